"""Where in a tokenized text the examples of a step stand.

Training crops start at random places, drawn from a counter-based generator (Philox) whose key is the seed and
whose counter is the step: the batch of step s is a pure function of (seed, s) and of nothing before it. The
held-out text is the end of the corpus, cut into the same evenly spaced blocks at every evaluation.
"""

import numpy as np
from numpy.typing import NDArray

from playground.domain.errors import BadInput
from playground.domain.kind import Batch, TokenIds

_CROPS = 1
"""Stream number, so that other random choices made from the same seed are independent of these."""


def shortest(block: int) -> int:
    """Fewest tokens that give a block and its last label, both to learn from and held out."""
    return 2 * (block + 1)


def border(tokens: int, held_out: float, block: int) -> int:
    """Index of the first held-out token; both parts get at least one block and the token after it.

    Raises BadInput when the text is too short for that.
    """
    if tokens < shortest(block):
        raise BadInput(
            f"The corpus is too short: it has {tokens:,} tokens, and a block size of {block:,} needs at least "
            f"{shortest(block):,}, half of them held out. Take a longer text or a smaller block size.",
            {"block_size": [f"At most {max(tokens // 2 - 1, 0)} for this corpus."]},
        )
    return min(max(round(tokens * (1 - held_out)), block + 1), tokens - block - 1)


def crops(tokens: TokenIds, block: int, size: int, *, seed: int, step: int, micro: int) -> Batch:
    """`size` random crops of a text of at least block + 1 tokens; the label of a token is the one after it."""
    stream = np.random.Generator(np.random.Philox(key=[seed, _CROPS], counter=[0, 0, micro, step]))
    return _gather(tokens, stream.integers(0, len(tokens) - block, size), block)


def spaced(tokens: TokenIds, block: int, size: int, *, index: int, batches: int) -> Batch | None:
    """Batch `index` (from 0) of `batches` that cover a text evenly without overlap; None when there are no more.

    A text that is too short for all of them gives fewer and smaller batches.
    """
    starts = spaced_starts((len(tokens) - 1) // block, size, index, batches)
    return None if starts is None else _gather(tokens, starts * block, block)


def spaced_starts(blocks: int, size: int, index: int, batches: int) -> NDArray[np.int64] | None:
    """Which of so many blocks of a text are in batch `index` of `batches`; None when there are no more."""
    wanted = min(blocks, batches * size)
    chosen = np.arange(index * size, min((index + 1) * size, wanted))
    return chosen * blocks // wanted if len(chosen) else None


def period(tokens: TokenIds) -> int | None:
    """After how many tokens a text repeats itself for good, if its first 65,536 show that it does, at least twice."""
    head = np.asarray(tokens[:65_536])
    for size in np.flatnonzero(head[1 : len(head) // 2 + 1] == head[0]) + 1 if len(head) else ():
        if np.array_equal(head[size:], head[:-size]):
            return int(size) if np.array_equal(tokens[size:], tokens[:-size]) else None
    return None


def repetition(tokens: TokenIds) -> tuple[str, ...]:
    """What the owner of a run should read of a text that is one stretch again and again; empty for any other."""
    notes: list[str] = []
    repeat = period(tokens)
    if repeat is not None:
        notes.append(
            f"The text repeats itself every {repeat:,} tokens: the held-out part is no test of what is learned."
        )
    return tuple(notes)


def _gather(tokens: TokenIds, starts: NDArray[np.int64], block: int) -> Batch:
    rows = tokens[starts[:, None] + np.arange(block + 1)].astype(np.int64)
    return Batch(inputs=rows[:, :-1], labels=rows[:, 1:])
