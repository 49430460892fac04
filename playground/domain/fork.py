"""What of a run's parameters belongs to its states, and so cannot be changed where another run goes on from one.

Weights have a shape, and the numbers of a vocabulary a meaning; all else (data, batches, rates, masks, budget) may
change from one step to the next. The engine checks the arrays themselves once more.
"""

from dataclasses import asdict
from typing import Any, NamedTuple

from pydantic import BaseModel

BOUND = frozenset({"model", "tokenizer", "vocab_size", "rank", "targets", "target_modules", "next_sentence"})
"""Parameters of any kind that a state depends on, besides the dimensions of a network."""

DIMENSIONS = ("preset", "architecture", "n_layer", "n_head", "n_kv_head", "d_model", "d_ff", "tie", "block_size")
PLACED = frozenset({"gpt2", "bert"})
"""Architectures that learn a vector for each place: only they are tied to their block size."""


class Misfit(NamedTuple):
    """A parameter that must stay as it was."""

    field: str
    was: Any


def misfits(before: BaseModel, after: BaseModel) -> list[Misfit]:
    """The parameters in which `after` does not fit a state of `before`; both are of the same kind."""
    found = {name: Misfit(name, getattr(before, name)) for name in sorted(BOUND) if _differs(before, after, name)}
    shapes = [_dimensions(params) for params in (before, after)]
    for name, was in shapes[0].items():
        if shapes[1].get(name) != was:
            # A dimension that no one named is that of the preset.
            field = name if _differs(before, after, name) or not hasattr(before, "preset") else "preset"
            found[field] = Misfit(field, getattr(before, field, None) or was)
    return list(found.values())


def bound(params: BaseModel) -> list[str]:
    """The names of the parameters that a fork cannot change."""
    tied = BOUND | {"preset", *_dimensions(params)}
    return [name for name in type(params).model_fields if name in tied]


def _differs(before: BaseModel, after: BaseModel, name: str) -> bool:
    return hasattr(before, name) and getattr(before, name) != getattr(after, name)


def _dimensions(params: BaseModel) -> dict[str, Any]:
    """The dimensions that decide which arrays there are, resolved where the kind can tell them."""
    shape: Any = getattr(params, "shape", None)
    known = asdict(shape()) if callable(shape) else params.model_dump()
    found = {name: known[name] for name in DIMENSIONS if name in known}
    if found.get("architecture") not in PLACED:
        found.pop("block_size", None)
    return found
