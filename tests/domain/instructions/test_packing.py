"""First-fit decreasing, against the plain way to compute it, and against what its theorem promises."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.domain.instructions.packing import first_fit_decreasing, grouped

ROOM = 32
sizes = st.lists(st.integers(1, ROOM), min_size=1, max_size=60)


def plainly(lengths: list[int]) -> list[int]:
    """The definition, in quadratic time."""
    free: list[int] = []
    chosen = [0] * len(lengths)
    for index in sorted(range(len(lengths)), key=lambda at: -lengths[at]):
        place = next((at for at, room in enumerate(free) if room >= lengths[index]), len(free))
        free[place:] = free[place:] or [ROOM]
        free[place] -= lengths[index]
        chosen[index] = place
    return chosen


@given(sizes)
def test_it_is_first_fit_decreasing(lengths: list[int]) -> None:
    blocks = first_fit_decreasing(lengths, ROOM)
    assert blocks.tolist() == plainly(lengths)


@given(sizes)
def test_nothing_overflows_nothing_is_lost_and_few_blocks_are_used(lengths: list[int]) -> None:
    blocks = first_fit_decreasing(lengths, ROOM)
    items, borders = grouped(np.arange(len(lengths)), blocks)
    assert sorted(items.tolist()) == list(range(len(lengths)))
    filled = [sum(lengths[item] for item in items[a:b]) for a, b in itertools.pairwise(borders)]
    assert all(0 < total <= ROOM for total in filled)
    # At most one block is half empty: two that are would have been one.
    assert sum(2 * total <= ROOM for total in filled) <= 1


@pytest.mark.parametrize("wrong", [[0], [33], [5, -1]])
def test_what_fits_nowhere_is_an_error(wrong: list[int]) -> None:
    with pytest.raises(ValueError, match="between 1 and 32"):
        first_fit_decreasing(wrong, ROOM)
