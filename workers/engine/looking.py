"""One look at a sentence: what every head attends to, and what the network expects at each place.

A causal network is asked what comes after each token. One that fills gaps is asked for each token while that one is
hidden, or only for the gaps, where the sentence has gaps of its own.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import torch
from tokenizers import Tokenizer
from torch import Tensor

from playground.domain.probing import MAX_TOKENS
from workers.engine.spelling import Spelling
from workers.engine.watched import watching

TOP = 5
"""Candidates that are kept for each place."""
AT_ONCE = 8
"""Variants of a sentence in one forward pass."""
VOCABULARY_AT_ONCE = 8192
"""Rows of the output layer that are taken to fp32 together: all of a large vocabulary would be a second copy of it."""
DIGITS = 4
"""Significant digits of a probability: more cannot be seen."""


@dataclass(frozen=True)
class Pinned:
    """A sentence as the network reads it; `cut` says that not all of it is read, `gaps` are places to be filled in."""

    text: str
    ids: list[int]
    cut: bool
    gaps: list[int]


@dataclass(frozen=True)
class Look:
    """Attention (layers, heads, tokens, tokens) in fp32, and the predictions of each place, as they are reported."""

    attention: Tensor
    places: list[dict[str, Any]]

    @property
    def loss(self) -> float | None:
        """Mean surprise of the tokens that were asked for, in nats."""
        known = [place["p"] for place in self.places if place.get("p")]
        return sum(-math.log(p) for p in known) / len(known) if known else None


def pin(sentence: str, tokenizer: Tokenizer, context: int, special: dict[str, int], sight: str) -> Pinned:
    """A sentence as ids, cut where it is too long; one that is filled in has its beginning and end tokens around it."""
    ids: list[int] = tokenizer.encode(sentence, add_special_tokens=False).ids
    framed = sight == "full" and {"cls", "sep"} <= special.keys()
    room = min(MAX_TOKENS, context) - 2 * framed
    cut = len(ids) > room
    ids = ids[:room]
    if framed:
        ids = [special["cls"], *ids, special["sep"]]
    return Pinned(sentence, ids, cut, [place for place, index in enumerate(ids) if index == special.get("mask")])


@torch.no_grad()
def look(
    model: Any, pinned: Pinned, spelling: Spelling, sight: Literal["causal", "full"], mask: int | None
) -> Look | None:
    """Look at a sentence; None where the network gives numbers that are not finite."""
    ids = torch.tensor([pinned.ids], device=model.device)
    with watching(model) as kept:
        states = _states(model, ids, sight)[0]
        attention = _stacked(kept, len(pinned.ids))
        kept.clear()
        asked: list[int | None]
        if sight == "causal":
            asked = [*pinned.ids[1:], None]
            open_places = list(range(len(pinned.ids)))
        else:
            hidden = [place for place, index in enumerate(pinned.ids) if not spelling.is_special(index)]
            open_places = pinned.gaps or (hidden if mask is not None else [])
            if mask is not None and not pinned.gaps:
                states = _filled(model, ids[0], open_places, mask)
            else:
                states = states[open_places]
            asked = [None if pinned.gaps else pinned.ids[place] for place in open_places]
            kept.clear()
    rows = _logits(model, states)
    if not (torch.isfinite(rows).all() and torch.isfinite(attention).all()):
        return None
    places: list[dict[str, Any]] = [{} for _ in pinned.ids]
    odds = torch.softmax(rows, dim=-1)
    best = torch.topk(odds, min(TOP, odds.shape[-1]), dim=-1)
    for row, place in enumerate(open_places):
        candidates = zip(best.indices[row].tolist(), best.values[row].tolist(), strict=True)
        top = [[_name(index, spelling), _short(p)] for index, p in candidates]
        true = asked[row]
        said = {} if true is None else {"p": _short(float(odds[row, true])), "rank": _rank(best.indices[row], true)}
        places[place] = {"top": top, **said}
    return Look(attention.cpu(), places)


def _stacked(kept: list[Tensor], tokens: int) -> Tensor:
    """(layers, heads, tokens, tokens); none where an architecture asks no attention of ours, or not alike."""
    if len({weights.shape for weights in kept}) != 1:
        return torch.zeros(0, 0, tokens, tokens)
    return torch.stack([weights[0] for weights in kept])


def _name(index: int, spelling: Spelling) -> str:
    """A candidate standing alone: its text, or its bytes where they are only part of a character."""
    return spelling.alone(index) or f"‹{spelling.spell(index).hex(' ').upper()}›"


def _rank(best: Tensor, true: int) -> int | None:
    """Where the true token stands among the best, from 0."""
    found: list[list[int]] = (best == true).nonzero().tolist()
    return found[0][0] if found else None


def _short(p: float) -> float:
    return float(f"{p:.{DIGITS}g}")


def _states(model: Any, ids: Tensor, sight: str) -> Tensor:
    """(rows, tokens, width): what the output layer gets."""
    caught: list[Tensor] = []
    hook = model.get_output_embeddings().register_forward_pre_hook(lambda module, given: caught.append(given[0]))
    try:
        model(input_ids=ids, **({"use_cache": False} if sight == "causal" else {}))
    finally:
        hook.remove()
    return caught[0]


def _logits(model: Any, states: Tensor) -> Tensor:
    """(..., vocabulary) of what the output layer gets, in fp32: in bf16 many candidates would be equally likely."""
    layer = model.get_output_embeddings()
    parts = [states.float() @ part.float().t() for part in layer.weight.split(VOCABULARY_AT_ONCE)]
    logits = torch.cat(parts, dim=-1)
    return logits if getattr(layer, "bias", None) is None else logits + layer.bias.float()


def _filled(model: Any, ids: Tensor, places: list[int], mask: int) -> Tensor:
    """(places, width): what the output layer gets at each place while it, and only it, is hidden."""
    found = []
    for start in range(0, len(places), AT_ONCE):
        some = torch.tensor(places[start : start + AT_ONCE], device=ids.device)
        variants = ids.repeat(len(some), 1)
        rows = torch.arange(len(some), device=ids.device)
        variants[rows, some] = mask
        found.append(_states(model, variants, "full")[rows, some])
    return torch.cat(found)


@torch.no_grad()
def word_vectors(model: Any, table: Tensor | None, words: list[list[int]]) -> Tensor:
    """(words, width): the mean of each word's token vectors in `table`; without one, its last state when read alone."""
    if table is not None:
        return torch.stack([table[ids].float().mean(dim=0) for ids in words])
    was_training = model.training
    model.eval()
    states = [
        model.base_model(input_ids=torch.tensor([ids], device=model.device)).last_hidden_state[0, -1].float()
        for ids in words
    ]
    model.train(was_training)
    return torch.stack(states)


def spelled(word: str, tokenizer: Tokenizer) -> list[int]:
    """A word as it stands in a text: with the space before it where the vocabulary is at home with that."""
    alone: list[int] = tokenizer.encode(word, add_special_tokens=False).ids
    after: list[int] = tokenizer.encode(f" {word}", add_special_tokens=False).ids
    return after if after and len(after) <= len(alone) else alone
