"""A vocabulary grows: new ids, a shorter text, and rows that begin as asked."""

import base64

import numpy as np
import pytest

from playground.domain.errors import BadInput
from playground.domain.tokenization.starter import Starters
from playground.exhibits.tokens.growing import WIDTH, Params, Result, run


def grow(**params: object) -> Result:
    return run(Params.model_validate(params), Starters())


def rows(packed: dict[str, str]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(packed["bdata"]), dtype="<f4").reshape(-1, WIDTH)


def test_the_text_becomes_shorter_and_stays_the_text() -> None:
    result = grow()
    assert result.tokens_after < result.tokens_before
    for cut in (result.before, result.after):
        assert "".join(piece.text for piece in cut) == Params().text
    assert [word.id for word in result.words] == [result.size, result.size + 1]


def test_the_new_row_begins_as_asked() -> None:
    mean = rows(grow(start="mean").words[0].rows)
    np.testing.assert_allclose(mean[-1], mean[:-1].mean(axis=0), rtol=1e-5)
    assert not rows(grow(start="zero").words[0].rows)[-1].any()
    assert rows(grow(start="random").words[0].rows)[-1].any()


def test_a_known_word_gets_no_new_row() -> None:
    result = grow(words=[" cat"], text="a cat")
    assert result.words[0].known
    assert result.words[0].id < result.size
    assert result.new_numbers == 0


def test_of_words_that_begin_alike_the_longest_counts() -> None:
    result = grow(words=["xq", "xqz"], text="xqz xq")
    ids = [id for piece in result.after for id in piece.ids]
    assert ids[0] == result.size + 1
    assert ids[-1] == result.size


def test_white_space_is_no_word() -> None:
    with pytest.raises(BadInput):
        grow(words=[" "])
