"""Hiding words of a text, for a model that learns to say what stood there.

Of the positions that are chosen, most are replaced by the mask, some by a random token and the rest are left as they
are, so that the model can never trust what it reads (Devlin et al., 2019). A whole word is chosen or left together when
the marks say where words begin. Every choice is drawn from a generator whose counter is the step: the batch of a step
is a pure function of seed and step.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MASKED, REPLACED, KEPT = 1, 2, 3
"""What `Batch.changes` says of a chosen position."""
IGNORED = -100
"""Label of a position that is not chosen."""
_TRAIN, _HELD_OUT = 3, 4
"""Stream numbers, so that other random choices made from the same seed are independent of these."""

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Shares:
    """Share of positions that are chosen, and of these the shares that are masked and replaced; the rest is kept."""

    chosen: float
    masked: float
    replaced: float


@dataclass(frozen=True)
class Hidden:
    """Rows as the model reads them, what it is to say (-100 elsewhere), and what happened to each chosen position."""

    inputs: Rows
    labels: Rows
    changes: NDArray[np.uint8]


def stream(seed: int, step: int, micro: int, *, held_out: bool = False) -> np.random.Generator:
    """The random numbers of one batch. Held-out batches are the same at every step: theirs do not depend on it."""
    key, place = (_HELD_OUT, 0) if held_out else (_TRAIN, step)
    return np.random.Generator(np.random.Philox(key=[seed, key], counter=[0, 0, micro, place]))


def hide(
    rows: Rows,
    choosable: NDArray[np.bool_],
    begins: NDArray[np.bool_] | None,
    shares: Shares,
    mask: int,
    dice: np.random.Generator,
) -> Hidden:
    """Hide positions of `rows` (batch, block). `choosable` (vocabulary,) says which tokens may be chosen and put in.

    `begins` (batch, block) says where words begin; None chooses every position by itself.
    """
    draws = dice.random(rows.shape)
    if begins is not None:
        starts = begins.copy()
        starts[:, 0] = True
        first = np.maximum.accumulate(np.where(starts, np.arange(rows.shape[1]), 0), axis=1)
        draws = np.take_along_axis(draws, first, axis=1)
    chosen = choosable[rows] & (draws < shares.chosen)
    fate = dice.random(rows.shape)
    ordinary = np.flatnonzero(choosable)
    others = ordinary[dice.integers(0, max(1, len(ordinary)), rows.shape)] if len(ordinary) else rows
    how = np.where(fate < shares.masked, MASKED, np.where(fate < shares.masked + shares.replaced, REPLACED, KEPT))
    changes = np.where(chosen, how, 0).astype(np.uint8)
    inputs = np.where(changes == MASKED, mask, np.where(changes == REPLACED, others, rows))
    return Hidden(inputs, np.where(chosen, rows, IGNORED), changes)
