"""A new word in a model whose probabilities are known: which token is where, what it costs, what is close to it."""

import base64
import math
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from playground.domain.errors import BadInput
from playground.domain.exhibit import GrowingModel, Token
from playground.exhibits.tokens.grown import Params, Result, run

Rows = NDArray[np.float32]


class Alphabet:
    """A model of four letters and a space, for which every token is as likely as its output row's first number says."""

    letters = "abcd "
    vocab_size = 5
    context = 40
    table = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1], [0, 0, -1]], dtype=np.float32)

    def tokens(self, text: str) -> list[Token]:
        return [
            Token(self.letters.index(letter), letter, at, at + 1, letter.encode(), special=False)
            for at, letter in enumerate(text)
        ]

    def token_text(self, token: int) -> str:
        return self.letters[token]

    def next_log_probabilities(self, ids: Sequence[int]) -> Rows:
        logits = self.table[:, 0]
        return np.tile(logits - np.log(np.exp(logits).sum()), (len(ids), 1))

    def rows(self, ids: Sequence[int]) -> tuple[Rows, Rows]:
        return self.table[list(ids)], self.table[list(ids)]

    def grown_log_probabilities(self, ids: Sequence[int], inner: Rows, outer: Rows) -> Rows:
        logits = np.append(self.table[:, 0], outer[0])
        log_p = logits - np.log(np.exp(logits).sum())
        return np.tile(log_p, (len(ids), 1)).astype(np.float32)


MODEL: GrowingModel = Alphabet()


def grow(**params: object) -> Result:
    return run(Params.model_validate({"text": "c ab d ab", "word": "ab", **params}), MODEL)


def rows(result: Result) -> NDArray[np.float32]:
    return np.frombuffer(base64.b64decode(result.rows["bdata"]), "<f4").reshape(len(result.was) + 1, -1)


def test_the_word_becomes_one_token_wherever_it_stands() -> None:
    result = grow()
    assert [token.id for token in result.before] == [2, 4, 0, 1, 4, 3, 4, 0, 1]
    assert [token.id for token in result.after] == [2, 4, 5, 4, 3, 4, 5]
    assert [token.new for token in result.after] == [False, False, True, False, False, False, True]
    assert "".join(token.text for token in result.after) == "c ab d ab"
    assert (result.id, result.was, result.bytes, result.width) == (5, ["a", "b"], 9, 3)


def test_the_loss_is_the_sum_of_the_surprises() -> None:
    result = grow()
    assert result.before[0].bits is None
    for tokens, told, more in ((result.before, result.bits_before, []), (result.after, result.bits_after, [0.5])):
        logits = np.append(Alphabet.table[:, 0], more).astype(np.float64)
        bits = -(logits - np.log(np.exp(logits).sum())) / math.log(2)
        assert told == pytest.approx(sum(bits[token.id] for token in tokens[1:]), abs=1e-2)


def test_the_row_begins_as_asked() -> None:
    mean = grow(start="mean")
    assert rows(mean)[-1].tolist() == [0.5, 0.5, 0]
    assert mean.closeness == pytest.approx([math.sqrt(0.5)] * 2, abs=1e-3)
    assert (mean.nearest[0].text, mean.nearest[0].cosine) == ("c", 1.0)
    zero = grow(start="zero")
    assert not rows(zero)[-1].any()
    assert (zero.closeness, zero.nearest) == ([0.0, 0.0], [])
    assert rows(grow(start="random", seed=2)).tolist() == rows(grow(start="random", seed=2)).tolist()
    assert rows(grow(start="random", seed=2)).tolist() != rows(grow(start="random", seed=3)).tolist()


@pytest.mark.parametrize("wrong", [{"word": "dd"}, {"word": "a"}])
def test_a_word_that_is_not_there_or_known_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(BadInput) as caught:
        grow(**wrong)
    assert list(caught.value.fields) == ["word"]
