"""Probes: which steps of a run are recorded, how attention is written down, and how word vectors become points.

Everything here is a pure function, so that a resumed run repeats it, and a page draws what the engine meant. Attention
weights are kept as one byte each, the square root of the weight in 255 steps: small weights, of which there are many,
keep more of their digits than large ones.
"""

import math

import numpy as np
from numpy.typing import NDArray

MAX_SENTENCES = 8
MAX_CHARACTERS = 500
MAX_TOKENS = 64
"""A sentence is cut there: its attention grows with the square of its tokens."""
MAX_WORDS = 24
WORD_CHARACTERS = 40
RECORD_BYTES = 500_000
"""Compressed bytes of one record, so that its message stays below the longest on the pipe. A larger one is coarser."""
JOB_BYTES = 32 << 20
"""Compressed bytes of all records of one run; the schedule alone stays below it."""
LEVELS = 255
WORDS = -1
"""The place of the word vectors among the binary parts of a record, whose sentences count from 0."""


def scheduled(step: int) -> bool:
    """Whether a step is one of 1, 2, 3, 4, 6, 8, 11, 16, 23, 32, ...: the powers of the square root of 2, rounded."""
    power = round(2 * math.log2(step))
    return round(2 ** (power / 2)) == step


def remaining(step: int, last: int) -> int:
    """How many steps of the schedule there are from `step` on and before `last`."""
    powers = range(max(0, math.floor(2 * math.log2(step)) - 1), math.ceil(2 * math.log2(max(1, last))) + 1)
    return len({found for power in powers if step <= (found := round(2 ** (power / 2))) < last})


def coded(weights: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Weights from 0 to 1 as bytes: round(255 sqrt(w)). Decoded, each is off by at most (2 sqrt(w) + 1/510) / 510."""
    roots = np.sqrt(np.clip(weights.astype(np.float32), 0.0, 1.0))
    codes: NDArray[np.uint8] = np.rint(roots * LEVELS).astype(np.uint8)
    return codes


def decoded(codes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The weights that bytes stand for."""
    roots: NDArray[np.float32] = codes.astype(np.float32) / np.float32(LEVELS)
    return roots * roots


def points(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """(steps, words, width) as (steps, words, 2): what one sees of the words from one direction, the same at all steps.

    The direction is the plane in which the words of the newest step lie furthest apart: its two principal components,
    around the mean of the words. Each further step turns the plane within itself as little as possible away from
    where the one before it had it (orthogonal Procrustes: Schönemann, 1966), so that a picture that grows with a run
    neither flips nor jumps.
    """
    steps, words, width = vectors.shape
    centred = vectors - vectors.mean(axis=1, keepdims=True)
    plane: NDArray[np.float64] | None = None
    for record in centred:
        _, _, axes = np.linalg.svd(record.astype(np.float64), full_matrices=False)
        found = np.zeros((width, 2))
        found[:, : min(2, len(axes))] = axes[:2].T
        if plane is not None:
            left, _, right = np.linalg.svd(found.T @ plane)
            found = found @ (left @ right)
        plane = found
    seen: NDArray[np.float32] = (centred.reshape(-1, width) @ plane).reshape(steps, words, 2).astype(np.float32)
    return seen
