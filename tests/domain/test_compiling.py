"""Which runs are compiled when nobody says: those that last, by what is known before the first step."""

from typing import Any

import pytest

from playground.domain.compiling import worthwhile
from playground.domain.training import Training

MACHINE = ("bf16", "cpu", 2)


def lasts(params: dict[str, Any], learned: int = 1_000_000, frozen: int = 0, machine: Any = MACHINE) -> bool:
    return worthwhile(Training(**params), learned, frozen, 2048, *machine)


def test_a_budget_in_minutes_says_it() -> None:
    assert lasts({"minutes": 2.1}, learned=1)
    assert not lasts({"minutes": 2.0}, learned=10**9)


@pytest.mark.parametrize("budget", [{"steps": 3_000}, {"tokens": 3_000 * 2048}])
def test_more_steps_last_longer(budget: dict[str, int]) -> None:
    """3,000 steps of 2,048 tokens of a million parameters: 3.7e13 operations, 154 seconds at 2.4e11 a second."""
    assert lasts(budget)
    assert not lasts({name: count // 2 for name, count in budget.items()})


def test_a_faster_machine_is_done_sooner() -> None:
    assert not lasts({"steps": 3_000}, machine=("bf16", "cpu", 4))
    assert not lasts({"steps": 3_000}, machine=("bf16", "cuda", 2))
    assert lasts({"steps": 3_000}, machine=("fp32", "cpu", 2))


def test_frozen_parameters_cost_two_thirds() -> None:
    assert lasts({"steps": 3_000}, learned=0, frozen=1_200_000)
    assert not lasts({"steps": 3_000}, learned=0, frozen=1_000_000)
