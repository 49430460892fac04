"""The job kind `tokenizer`: its form, its refusals, its estimate; what it learns is tested with the engine."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from playground.domain.kind import Data, Facts
from playground.jobs.tokenizer import MAX_VOCAB, MIN_VOCAB, SHORTEST, Params, kind

CORPUS = "00000000-0000-4000-8000-000000000000"


def params(**given: Any) -> Params:
    return Params(**{"corpus": CORPUS, **given})


def estimate(given: Params, corpus_bytes: int, memory: int | None = None) -> Any:
    return kind.estimate(given, Facts(corpus_bytes=corpus_bytes, corpus_characters=1, memory_available=memory))


def test_all_has_a_default_but_the_corpus() -> None:
    assert params().model_dump() == {
        "corpus": CORPUS, "algorithm": "bpe", "vocab_size": 8192, "text_limit": 64, "masks": True,
    }  # fmt: skip
    assert kind.inputs(params()) == {"corpus": CORPUS}
    assert kind.work == "vocabulary"


@pytest.mark.parametrize(
    "wrong",
    [
        {"vocab_size": MIN_VOCAB - 1}, {"vocab_size": MAX_VOCAB + 1}, {"algorithm": "word"}, {"text_limit": 0},
        {"steps": 3}, {"corpus": "x"}, {"masks": 1},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        params(**wrong)
    assert [error["loc"] for error in caught.value.errors()] == [(next(iter(wrong)),)]


def test_a_larger_text_takes_longer_up_to_the_limit() -> None:
    small, large, limited = (
        estimate(params(), 1 << 20), estimate(params(), 64 << 20), estimate(params(text_limit=1), 64 << 20),
    )  # fmt: skip
    assert small.seconds < large.seconds
    assert limited.seconds == small.seconds
    assert all(found.fits and found.parameters == 0 for found in (small, large, limited))


def test_what_cannot_work_is_said_at_its_field() -> None:
    assert [item.field for item in estimate(params(), SHORTEST - 1).problems] == ["corpus"]
    assert [item.field for item in estimate(params(), 64 << 20, 1 << 20).problems] == ["text_limit"]


def test_nothing_is_fed_to_a_network() -> None:
    data = Data(np.zeros(4, np.uint16), 300)
    assert kind.batch(data, params(), "train", 1, 0) is None
