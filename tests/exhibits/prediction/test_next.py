"""The exhibit on the next token, on a tiny honest model whose probabilities are known."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from playground.domain.errors import BadInput
from playground.domain.exhibit import LanguageModel, Token
from playground.domain.registry import exhibits, wings
from playground.exhibits.prediction.next import Params, exhibit, run


class Alphabet:
    """A model of letters: after an "a" it expects a "b" with three quarters, else every letter alike."""

    letters = "abcd"
    vocab_size = 4
    context = 8

    def tokens(self, text: str) -> list[Token]:
        if len(text) > self.context:
            raise BadInput("too long", {"text": ["too long"]})
        return [
            Token(self.letters.index(letter), letter, index, index + 1, letter.encode(), special=False)
            for index, letter in enumerate(text)
            if letter in self.letters
        ]

    def token_text(self, token: int) -> str:
        return self.letters[token]

    def next_log_probabilities(self, ids: Sequence[int]) -> NDArray[np.float32]:
        rows = [[1 / 12, 3 / 4, 1 / 12, 1 / 12] if index == 0 else [1 / 4] * 4 for index in ids]
        return np.log(np.array(rows, dtype=np.float32))


MODEL: LanguageModel = Alphabet()


def test_surprise_and_expectation() -> None:
    found = run(Params(text="abd", top=2), MODEL)
    assert [token.text for token in found.tokens] == ["a", "b", "d"]
    assert found.tokens[0].surprisal is None
    assert found.tokens[1].surprisal == pytest.approx(math.log2(4 / 3), abs=1e-4)
    assert found.tokens[1].rank == 1
    assert found.tokens[2].surprisal == pytest.approx(2.0, abs=1e-4)
    assert found.expectations[0].ids[0] == 1
    assert found.expectations[0].texts[0] == "b"
    assert found.expectations[0].probabilities[0] == pytest.approx(0.75)
    assert [len(row.ids) for row in found.expectations] == [2, 2, 2]
    assert found.expectations[1].entropy == pytest.approx(2.0, abs=1e-4)
    assert found.mean_surprisal == pytest.approx((math.log2(4 / 3) + 2) / 2, abs=1e-4)
    assert found.perplexity == pytest.approx(2 ** ((math.log2(4 / 3) + 2) / 2), abs=1e-2)


def test_one_token_has_an_expectation_and_no_surprise() -> None:
    found = run(Params(text="c"), MODEL)
    assert found.mean_surprisal is None
    assert len(found.expectations) == 1


def test_texts_that_cannot_be_read() -> None:
    with pytest.raises(BadInput, match="no tokens"):
        run(Params(text="???"), MODEL)
    with pytest.raises(BadInput):
        run(Params(text="a" * 9), MODEL)
    for text in ("", "a" * 1001):
        with pytest.raises(ValidationError):
            Params(text=text)
    with pytest.raises(ValidationError):
        Params(top=21)


def test_it_stands_in_its_wing() -> None:
    assert exhibits()["prediction", "next"] is exhibit
    assert exhibit.needs_model
    assert exhibit.Params is Params
    assert len(exhibit.lesson.split("\n\n")) > 3
    assert wings()["prediction"].title == "Prediction"
