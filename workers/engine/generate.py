"""Writing with a language model, one token at a time.

Each step feeds only the new token: the keys and values of those before it stay in a cache. Once the context is full,
the model goes on from the second half of what it can see. The dice of a position depend on the seed and the position
alone, so that a text that is continued from its middle continues as it did before.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from playground.domain.errors import BadInput

ALTERNATIVES = 10
_DICE = 2
"""Stream number: these random numbers are independent of those that choose training batches."""


@dataclass(frozen=True)
class Choice:
    """How to choose: temperature 0 takes the likeliest; top_k 0 and top_p 1 leave all tokens in the running."""

    temperature: float = 0.8
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0


@dataclass(frozen=True)
class Drawn:
    """A chosen token and the model's probabilities before any shaping, for it and for the ten likeliest."""

    id: int
    probability: float
    alternatives: list[tuple[int, float]]


class Spoiled(BadInput):
    """A model whose weights have run away: what it gives is no number any more, and nothing can be drawn from it."""

    code = "spoiled"

    def __init__(self) -> None:
        super().__init__("The model gives numbers that are not finite: its weights are spoiled.")


@torch.no_grad()
def write(
    model: Any, prompt: Sequence[int], context: int, choice: Choice, count: int, first: int = 0
) -> Iterator[Drawn]:
    """Draw `count` tokens after a prompt of at least one token; `first` is the position number of the first of them.

    `model` is a transformers causal language model in evaluation mode, `context` the tokens it can see at once.
    Raises Spoiled where it gives no finite numbers.
    """
    seen = list(prompt)[-context:]
    fed: list[int] = seen
    cache = None
    for position in range(first, first + count):
        if len(seen) > context:
            seen = seen[-max(1, context // 2) :]
            fed, cache = seen, None
        ids = torch.tensor([fed], device=model.device)
        answer = model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
        cache = answer.past_key_values
        drawn = draw(answer.logits[0, -1].float().cpu(), choice, position)
        yield drawn
        seen.append(drawn.id)
        fed = [drawn.id]


def draw(logits: Tensor, choice: Choice, position: int) -> Drawn:
    """Choose from the logits (vocabulary,) of one position. Raises Spoiled where the largest is no finite number."""
    if not math.isfinite(logits.max().item()):
        raise Spoiled
    probabilities = torch.softmax(logits, dim=-1)
    best = torch.topk(probabilities, min(ALTERNATIVES, len(logits)))
    index = int(best.indices[0]) if choice.temperature == 0 else _throw(shaped(logits, choice), choice.seed, position)
    alternatives = list(zip(best.indices.tolist(), best.values.tolist(), strict=True))
    return Drawn(index, float(probabilities[index]), alternatives)


def shaped(logits: Tensor, choice: Choice) -> Tensor:
    """The probabilities (vocabulary,) that are drawn from: sharpened by temperature, then cut by top-k and top-p.

    top-p keeps the smallest set of likeliest tokens that has at least this share of the probability
    (Holtzman et al., 2020).
    """
    logits = (logits - logits.max()) / choice.temperature
    if 0 < choice.top_k < len(logits):
        logits = logits.masked_fill(logits < torch.topk(logits, choice.top_k).values[-1], -math.inf)
    probabilities = torch.softmax(logits, dim=-1)
    if choice.top_p < 1:
        ordered, order = torch.sort(probabilities, descending=True, stable=True)
        before = torch.cumsum(ordered, dim=-1) - ordered
        probabilities[order[before >= choice.top_p]] = 0
        probabilities[order[0]] = ordered[0]
    return probabilities


def _throw(probabilities: Tensor, seed: int, position: int) -> int:
    """The token at which the running sum of probabilities passes a random number of this seed and position."""
    running = np.cumsum(probabilities.numpy().astype(np.float64))
    dice = np.random.Generator(np.random.Philox(key=[seed, _DICE], counter=[0, 0, position, 0]))
    return int(np.searchsorted(running, dice.random() * running[-1], side="right"))
