"""Names: any script, emoji and markup; no control characters, nothing invisible, one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.domain.errors import BadInput
from playground.library import names


@pytest.mark.parametrize(
    "name", ["Tiny", "唐诗三百首", "👩‍👩‍👧 family", "<script>alert(1)</script>", "a'b\"c&d", "x" * 200]
)
def test_a_name_is_kept_as_it_is(name: str) -> None:
    assert names.clean(name) == name


def test_a_name_is_composed_and_trimmed() -> None:
    assert names.clean("  Gru\u0308n ") == "Grün"


@pytest.mark.parametrize(
    "name", ["", "   ", "x" * 201, "x" * 10_000, "a\nb", "a\0b", "a\x1b[31mb", "a\u202eb", "a\u2028b", "\ud800"]
)
def test_what_is_no_name_is_refused_at_the_field(name: str) -> None:
    with pytest.raises(BadInput) as caught:
        names.clean(name, "title")
    assert list(caught.value.fields) == ["title"]
    assert all(len(text) < 200 for text in caught.value.fields["title"])


@given(st.text(max_size=300))
def test_a_file_name_always_gives_a_name_or_the_fallback(filename: str) -> None:
    name = names.from_file(filename, "corpus")
    assert 0 < len(name) <= names.MAX_NAME
    assert "/" not in name
    assert "\\" not in name


def test_a_file_name_loses_its_folders_and_ending() -> None:
    assert names.from_file("C:\\texts\\war and peace.txt", "corpus") == "war and peace"
    assert names.from_file("../../etc/passwd", "corpus") == "passwd"
    assert names.from_file("\n", "corpus") == "corpus"
