"""Windows cover the text, overlap as asked, and say what they cost."""

import pytest

from playground.domain.errors import BadInput
from playground.domain.tokenization.starter import Starters
from playground.exhibits.tokens.windows import Params, Result, run


def lay(**params: object) -> Result:
    return run(Params.model_validate(params), Starters())


@pytest.mark.parametrize(("window", "overlap"), [(48, 12), (7, 6), (10, 0), (1000, 5)])
def test_every_token_is_in_a_window(window: int, overlap: int) -> None:
    result = lay(window=window, overlap=overlap)
    assert result.windows[0].first == 0
    assert result.windows[-1].last == result.tokens
    for one, other in zip(result.windows, result.windows[1:], strict=False):
        assert one.last - other.first == overlap == other.shared
    assert result.read == sum(item.last - item.first for item in result.windows)
    assert result.lost_tokens == max(0, result.tokens - window)


def test_windows_of_bytes_are_places_in_the_text() -> None:
    result = lay(text="abc猫def", tokenizer="character", window=4, overlap=1)
    assert [(item.start, item.end) for item in result.windows] == [(0, 4), (3, 7)]
    assert [item.inside_word for item in result.windows] == [False, True]


def test_an_overlap_as_large_as_the_window_is_refused() -> None:
    with pytest.raises(BadInput) as caught:
        lay(window=4, overlap=4)
    assert list(caught.value.fields) == ["overlap"]


def test_a_short_text_is_one_window() -> None:
    result = lay(text="a", window=64)
    assert (len(result.windows), result.lost_tokens, result.cost) == (1, 0, 1.0)
