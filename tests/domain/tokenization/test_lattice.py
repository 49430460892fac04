"""The lattice against plain enumeration of every cut."""

import math
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.domain.tokenization.lattice import Lattice, log_sum

PIECES = st.dictionaries(st.text("ab机", min_size=1, max_size=4), st.floats(0.01, 1.0), min_size=1, max_size=12)
WORDS = st.text("ab机", min_size=1, max_size=7)


def all_cuts(word: str, pieces: dict[str, float], unknown: float) -> dict[tuple[str, ...], float]:
    """Every cut with its log-probability."""
    if not word:
        return {(): 0.0}
    found: dict[tuple[str, ...], float] = {}
    for end in range(1, len(word) + 1):
        piece = word[:end]
        log = pieces.get(piece, unknown if end == 1 else None)
        if log is not None:
            found |= {(piece, *rest): log + more for rest, more in all_cuts(word[end:], pieces, unknown).items()}
    return found


@given(WORDS, PIECES)
@settings(max_examples=200, deadline=None)
def test_sums_marginals_and_best_cuts_are_those_of_enumeration(word: str, weights: dict[str, float]) -> None:
    pieces = {piece: math.log(weight) for piece, weight in weights.items()}
    lattice = Lattice(word, pieces, 4, unknown=-9.0)
    cuts = all_cuts(word, pieces, -9.0)
    assert lattice.number_of_cuts() == len(cuts)
    total, marginals = lattice.marginals()
    assert total == pytest.approx(log_sum(list(cuts.values())))
    for edge, share in marginals:
        used = [log for cut, log in cuts.items() if (edge.start, edge.end) in _spans(cut)]
        assert share == pytest.approx(math.exp(log_sum(used) - total))
    ways = lattice.likeliest(5)
    expected = sorted(cuts.values(), reverse=True)[:5]
    assert [way.log for way in ways] == pytest.approx(expected)
    best = lattice.best()
    assert best is not None
    assert best.log == pytest.approx(expected[0])


def _spans(cut: tuple[str, ...]) -> set[tuple[int, int]]:
    spans, at = set(), 0
    for piece in cut:
        spans.add((at, at + len(piece)))
        at += len(piece)
    return spans


def test_draws_follow_the_probabilities() -> None:
    pieces = {"a": math.log(0.3), "b": math.log(0.3), "ab": math.log(0.2), "ba": math.log(0.2)}
    lattice = Lattice("abab", pieces, 2)
    generator = random.Random(4)
    drawn = Counter(lattice.sample(generator) for _ in range(20_000))
    total, _ = lattice.marginals()
    for way in lattice.likeliest(10):
        assert drawn[way.pieces] / 20_000 == pytest.approx(math.exp(way.log - total), abs=0.015)


def test_a_piece_can_be_left_out() -> None:
    lattice = Lattice("ab", {"a": -1.0, "b": -1.0, "ab": -0.5}, 2)
    best, other = lattice.best(), lattice.best(without="ab")
    assert best is not None
    assert other is not None
    assert (best.pieces, other.pieces) == (("ab",), ("a", "b"))
    assert Lattice("a", {"a": -1.0}, 1).best(without="a") is None
