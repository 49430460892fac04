"""What is text and what is not, to the byte; and what one pass says about it."""

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.domain.errors import BadInput
from playground.domain.instructions.records import MAX_LINE
from playground.library.text import CHUNK, examine


def refusal(path: Path, content: bytes) -> str:
    """The sentence with which a file of this content is refused."""
    path.write_bytes(content)
    with pytest.raises(BadInput) as caught:
        examine(path)
    return " ".join(caught.value.fields["file"])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "upload"


def test_one_pass_counts_everything(file: Path) -> None:
    file.write_bytes("Grün\n汉字 and more\nend".encode())
    found = examine(file)
    assert (found.bytes, found.characters, found.lines) == (25, 20, 3)
    assert found.preview == "Grün\n汉字 and more\nend"
    assert found.language_mix == {"latin": round(14 / 16, 4), "han": round(2 / 16, 4)}


@given(st.text(min_size=1, max_size=200).filter(lambda s: "\0" not in s and s.strip()))
def test_any_text_is_counted_as_python_counts_it(tmp_path_factory: pytest.TempPathFactory, content: str) -> None:
    file = tmp_path_factory.mktemp("text") / "upload"
    file.write_bytes(content.encode())
    found = examine(file)
    assert found.characters == len(content)
    assert found.lines == content.count("\n") + (not content.endswith("\n"))


@pytest.mark.parametrize(("at", "bad"), [(0, b"\xff"), (5, b"\x80"), (7, b"\xc3("), (11, b"\xed\xa0\x80")])
def test_what_is_not_utf8_is_refused_with_the_byte(file: Path, at: int, bad: bytes) -> None:
    assert f"{at} " in refusal(file, b"x" * at + bad + b" and on")


@pytest.mark.parametrize("at", [CHUNK - 2, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1])
def test_the_byte_is_right_at_the_seams_of_the_pieces(file: Path, at: int) -> None:
    # The character before the bad byte is cut in two by the seam.
    content = b"x" * (at - 3) + "汉".encode() + b"\xff" + b"tail"
    assert f"offset {at} " in refusal(file, content)


def test_a_character_cut_off_at_the_end_is_refused(file: Path) -> None:
    assert "offset 3 " in refusal(file, b"abc" + "汉".encode()[:2])


def test_a_zero_byte_is_refused(file: Path) -> None:
    assert "offset 4 " in refusal(file, b"text\0text")


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "PDF"),
        (b"PK\x03\x04\x14\0\0\0", "ZIP"),
        (b"\x89PNG\r\n\x1a\n\0\0", "PNG"),
        (b"\x1f\x8b\x08\0\0", "gzip"),
        ("text".encode("utf-16"), "UTF-16"),
        (b"\x7fELF\x02\x01\x01\0", "program"),
    ],
)
def test_what_it_is_instead_is_named(file: Path, content: bytes, word: str) -> None:
    assert word in refusal(file, content)


def test_an_empty_file_and_a_blank_one_are_refused(file: Path) -> None:
    assert "0 bytes" in refusal(file, b"")
    assert "no visible character" in refusal(file, b" \n\t\n" * 10)


def test_a_long_file_is_never_held_as_a_whole(file: Path) -> None:
    file.write_bytes("häh \n".encode() * 4_000_000)
    tracemalloc.start()
    try:
        assert examine(file).characters == 20_000_000
        assert tracemalloc.get_traced_memory()[1] < 12 * CHUNK
    finally:
        tracemalloc.stop()


def test_the_mix_of_a_long_text_is_that_of_all_of_it(file: Path) -> None:
    file.write_text("latin " * 200_000 + "汉字汉字汉" * 200_000)
    mix = examine(file).language_mix
    assert mix["latin"] == pytest.approx(0.5, abs=0.01)
    assert mix["han"] == pytest.approx(0.5, abs=0.01)


ROW = '{"instruction": "é?", "input": "", "output": "x"}'


@pytest.mark.parametrize(
    ("content", "facts"),
    [
        (ROW + "\n\n" + ROW, {"rows": 2, "forms": {"alpaca": 2}, "unfit": None}),
        ("\ufeff" + ROW, {"rows": 1, "without": {"chatml": 1, "plain": 1}, "keys": ["instruction", "input", "output"]}),
        (ROW + '\n{"output": 1}\nnot json', {"rows": 3, "unfit": 2, "keys": [], "without": {"alpaca": 2, "chatml": 1}}),
        ('{"messages": []}\n' + ROW, {"rows": 2, "forms": {"chatml": 1, "alpaca": 1}, "unfit": None}),
        ('{"a": 1}', {"rows": 1, "forms": {}, "unfit": 1}),
    ],
)
def test_the_rows_of_jsonl_are_counted_by_their_form(file: Path, content: str, facts: dict[str, object]) -> None:
    file.write_bytes(content.encode())
    rows = examine(file).rows
    for name, found in facts.items():
        assert rows[name] == ({**rows[name], **found} if isinstance(found, dict) else found), name


@pytest.mark.parametrize(
    "content", ["Once upon a time", "{ a brace", "[1]\n" + ROW, "1\n", "x" * (CHUNK + 5) + "\n" + ROW]
)
def test_other_texts_have_no_rows(file: Path, content: str) -> None:
    file.write_bytes(content.encode())
    assert examine(file).rows == {}


def test_a_row_that_is_too_long_to_be_one_is_named(file: Path) -> None:
    file.write_bytes(f'{ROW}\n{ROW}\n{{"output": "{"x" * (MAX_LINE + CHUNK)}"}}\n{ROW}\n'.encode())
    rows = examine(file).rows
    assert (rows["rows"], rows["long"]) == (2, 3)


def test_keys_that_no_database_keeps_are_not_kept(file: Path) -> None:
    file.write_bytes(rb'{"\ud800": 1, "a\u0000": 2, "' + b"k" * 10_000 + '": 3, "指令": 4, "output": ""}'.encode())
    assert examine(file).rows["keys"] == ["指令", "output"]


def test_rows_are_whole_across_the_seams_of_the_pieces(file: Path) -> None:
    file.write_bytes(((ROW + "\n") * (3 * CHUNK // len(ROW.encode()))).encode())
    rows = examine(file).rows
    assert rows["unfit"] is None
    assert rows["rows"] == rows["forms"]["alpaca"] == 3 * CHUNK // len(ROW.encode())
