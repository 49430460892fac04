"""Which states of a run are kept: bounded, spread evenly, and never at the cost of the disk."""

from itertools import pairwise

from playground.domain.checkpoints import HISTORY, HISTORY_BYTES, SPARE_BYTES, name_of, numbers, room, spread


def test_a_growing_history_stays_even() -> None:
    kept: list[int] = []
    for step in range(20, 20_001, 20):
        kept = spread([*kept, step], HISTORY)
        assert len(kept) <= HISTORY
        assert (kept[0], kept[-1]) == (20, step)
        if len(kept) == HISTORY:
            gaps = [after - before for before, after in pairwise(kept)]
            assert max(gaps) <= 4 * step / HISTORY, (step, kept)


def test_small_histories() -> None:
    assert spread([1, 2, 3], 5) == [1, 2, 3]
    assert spread([1, 2, 3], 2) == [1, 3]
    assert spread([1, 2, 3], 1) == [1]
    assert spread([1, 2, 3], 0) == []
    assert spread([], 3) == []


def test_room_is_bounded_in_number_in_bytes_and_by_the_disk() -> None:
    plenty = 100 * SPARE_BYTES
    assert room(12_000_000, plenty) == HISTORY
    assert room(HISTORY_BYTES // 2, plenty) == 2
    assert room(HISTORY_BYTES + 1, plenty) == 0
    assert room(12_000_000, SPARE_BYTES - 1) == 0
    assert room(0, plenty) == HISTORY


def test_names_are_read_back_and_others_are_none() -> None:
    assert numbers(name_of(120, 3)) == (120, 3)
    for other in (".000000120-0003.77", "base", "12", "a-b", "-", "12-"):
        assert numbers(other) is None
