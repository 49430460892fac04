"""The Unigram exhibit: probabilities of cuts add up, draws follow the temperature, another word gives another
lattice.
"""

import pytest

from playground.exhibits.tokens.unigram import Params, run


def test_the_default_lattice_has_a_choice() -> None:
    result = run(Params())
    assert int(result.cuts) > 5
    assert sum(way.probability for way in result.ways) == pytest.approx(1.0, abs=0.01)
    assert sum(way.drawn for way in result.ways) + result.other_draws == 200
    assert result.rounds[0].pieces > result.rounds[-1].pieces == result.size


def test_at_temperature_zero_every_draw_is_the_best_cut() -> None:
    assert run(Params(temperature=0.0)).ways[0].drawn == 200


def test_the_same_seed_draws_the_same() -> None:
    assert run(Params(seed=3, temperature=5.0)) == run(Params(seed=3, temperature=5.0))
    assert run(Params(seed=3, temperature=5.0)) != run(Params(seed=4, temperature=5.0))


def test_unknown_characters_have_their_edge() -> None:
    result = run(Params(word="x机"))
    assert [edge.known for edge in result.edges if edge.piece == "x"] == [False]
    assert sum(edge.share for edge in result.edges if edge.start == 0) == pytest.approx(1.0)
