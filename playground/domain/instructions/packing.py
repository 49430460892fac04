"""Several examples in one block, so that no arithmetic is spent on padding.

First-fit decreasing: the longest example first, each into the first block that has room. It never needs more than
11/9 of the fewest possible blocks, and one (Johnson, 1973). Positions restart with each example and none sees another,
so that a packed example is computed as if it stood alone.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def first_fit_decreasing(sizes: Sequence[int] | NDArray[np.int64], room: int) -> NDArray[np.int64]:
    """(examples,): the number of the block that each example goes into; sizes are 1 to `room`.

    A tree over the blocks holds the most room that is free below each node, so that the first block that fits is found
    in log n. Raises ValueError for an example that fits in no block.
    """
    lengths = np.asarray(sizes, dtype=np.int64)
    if len(lengths) and not 0 < lengths.min() <= lengths.max() <= room:
        raise ValueError(f"examples have between 1 and {room} tokens")
    leaves = 1 << max(0, len(lengths) - 1).bit_length()
    free = [room] * (2 * leaves)
    chosen = np.zeros(len(lengths), dtype=np.int64)
    for index in np.argsort(-lengths, kind="stable").tolist():
        size, node = int(lengths[index]), 1
        while node < leaves:
            node *= 2
            node += free[node] < size
        chosen[index] = node - leaves
        free[node] -= size
        while node > 1:
            node //= 2
            free[node] = max(free[2 * node], free[2 * node + 1])
    return chosen


def grouped(items: NDArray[np.int64], blocks: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Items in the order of their blocks, and where each block begins among them: (items,) and (blocks + 1,)."""
    order = np.argsort(blocks, kind="stable")
    return items[order], np.searchsorted(blocks[order], np.arange(int(blocks.max(initial=-1)) + 2))
