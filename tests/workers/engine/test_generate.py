"""Writing token by token: reproducible, continued from anywhere, and the same with the cache as without."""

import math
from typing import Any

import pytest
import torch

from playground.jobs.clm import Params
from tests.workers.engine.attempts import TINY
from workers.engine import models
from workers.engine.generate import Choice, draw, shaped, write

CONTEXT = 16


@pytest.fixture(scope="module", params=["llama", "gpt2"])
def model(request: pytest.FixtureRequest) -> Any:
    """A network with weights large enough to have opinions."""
    params = Params(**{**TINY, "architecture": request.param})
    network = models.build(params.shape(), 0.0, 0, 3, torch.device("cpu")).eval()
    with torch.no_grad():
        for weight in network.parameters():
            weight.mul_(8)
    return network


def ids(model: Any, choice: Choice, count: int, prompt: tuple[int, ...] = (5, 6, 7), first: int = 0) -> list[int]:
    """The tokens that are drawn."""
    return [drawn.id for drawn in write(model, prompt, CONTEXT, choice, count, first)]


def test_the_same_dice_write_the_same_text(model: Any) -> None:
    text = ids(model, Choice(seed=4), 40)
    assert text == ids(model, Choice(seed=4), 40)
    assert text != ids(model, Choice(seed=5), 40)
    assert len(set(text)) > 3


def test_a_text_continues_from_its_middle_as_it_did_before(model: Any) -> None:
    text = ids(model, Choice(seed=4), 10)
    assert ids(model, Choice(seed=4), 6, (5, 6, 7, *text[:4]), first=4) == text[4:]


def test_greedy_takes_the_likeliest_and_no_cache_changes_it(model: Any) -> None:
    seen = [5, 6, 7]
    for drawn in write(model, seen, CONTEXT, Choice(temperature=0), CONTEXT - 3):
        with torch.no_grad():
            logits = model(torch.tensor([seen]), use_cache=False).logits[0, -1]
        assert drawn.id == int(logits.argmax())
        assert drawn.probability == pytest.approx(float(torch.softmax(logits, -1).max()), rel=1e-3)
        assert drawn.alternatives[0][0] == drawn.id
        assert len(drawn.alternatives) == 10
        seen.append(drawn.id)


def test_it_goes_on_when_the_context_is_full(model: Any) -> None:
    assert len(ids(model, Choice(seed=1), 3 * CONTEXT, tuple(range(50)))) == 3 * CONTEXT


LOGITS = torch.log(torch.tensor([0.5, 0.3, 0.15, 0.05]))


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (Choice(temperature=1.0), [0.5, 0.3, 0.15, 0.05]),
        (Choice(temperature=1.0, top_k=2), [0.625, 0.375, 0, 0]),
        (Choice(temperature=1.0, top_k=100), [0.5, 0.3, 0.15, 0.05]),
        (Choice(temperature=1.0, top_p=0.8), [0.5, 0.3, 0, 0]),
        (Choice(temperature=1.0, top_p=0.81), [0.5, 0.3, 0.15, 0]),
        (Choice(temperature=1.0, top_p=1e-9), [0.5, 0, 0, 0]),
        (Choice(temperature=0.5), [0.25, 0.09, 0.0225, 0.0025]),
        (Choice(temperature=1e-6), [1, 0, 0, 0]),
    ],
)
def test_temperature_top_k_and_top_p(choice: Choice, expected: list[float]) -> None:
    probabilities = shaped(LOGITS.clone(), choice)
    wanted = torch.tensor(expected, dtype=torch.float32)
    torch.testing.assert_close(probabilities / probabilities.sum(), wanted / wanted.sum(), atol=1e-6, rtol=1e-5)


def test_draws_follow_the_probabilities() -> None:
    drawn = [draw(LOGITS, Choice(temperature=1.0, seed=9), position).id for position in range(2000)]
    for index, probability in enumerate([0.5, 0.3, 0.15, 0.05]):
        spread = math.sqrt(probability * (1 - probability) / 2000)
        assert drawn.count(index) / 2000 == pytest.approx(probability, abs=4 * spread)
