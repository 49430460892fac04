"""Four units of one text."""

import pytest

from playground.exhibits.tokens.units import Params, run


@pytest.mark.parametrize("text", ["The miller's cat 猫", "  a\tb ", "👩‍🍳"])
def test_nothing_of_the_text_is_lost(text: str) -> None:
    for unit in run(Params(text=text)).units:
        if unit.unit in ("word", "character"):
            assert "".join(cell.text for cell in unit.cells) == text
        assert unit.tokens == sum(not cell.gap for cell in unit.cells)


def test_bytes_know_everything_and_are_longest() -> None:
    units = {unit.unit: unit for unit in run(Params()).units}
    assert units["byte"].tokens == max(unit.tokens for unit in units.values())
    assert units["byte"].unknown == units["part"].unknown == 0.0
    assert units["word"].unknown > 0


def test_more_learned_pieces_make_shorter_parts() -> None:
    few, many = (run(Params(size=size)).units[1].tokens for size in (0, 200))
    assert many < few
