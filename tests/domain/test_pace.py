"""How long a run takes: the parts of a measured pass told apart, paces between sizes, what comes beside the steps."""

from typing import Any

import pytest

from playground.domain.compiling import GAIN, START_SECONDS
from playground.domain.kind import Facts, SpeedPoint
from playground.domain.pace import Load, Pace, Plan, compiled, looked_at, pace_of, scores, told_apart
from playground.domain.training import Training

TRUE = Pace(beside=0.01, operation=2e-12, score=3e-9)
LOADS = [Load(2048 * 6e6, 4e6), Load(512 * 6e6, 1e6), Load(2048 * 6e6, 16e6)]
FACTS = Facts(corpus_bytes=1, corpus_characters=1, devices=2)


def test_three_passes_tell_the_parts_apart() -> None:
    found = told_apart(LOADS, [TRUE.seconds(load) for load in LOADS])
    assert (found.beside, found.operation, found.score) == pytest.approx((0.01, 2e-12, 3e-9))


@pytest.mark.parametrize("times", [(1, 2, 1), (1, 0.9, 0.5), (1, 0.2, 9), (1, 0.01, 1)], ids=str)
def test_disturbed_times_give_parts_that_can_be_and_the_usual_pass_as_it_was(times: tuple[float, ...]) -> None:
    found = told_apart(LOADS, list(times))
    assert min(found.beside, found.score) >= 0
    assert found.operation > 0
    assert found.seconds(LOADS[0]) == pytest.approx(times[0])


def test_between_sizes_and_beyond_them() -> None:
    def point(parameters: int, rate: float, beside: float) -> SpeedPoint:
        return SpeedPoint(parameters=parameters, flops_per_s=rate, precision="bf16", pass_seconds=beside)

    points = [point(10**7, 3e11, 0.04), point(10**5, 1e11, 0.01)]

    def at(parameters: int) -> tuple[float, float]:
        found = pace_of(points, parameters, "bf16", "packed")
        assert found is not None
        return 1 / found.operation, found.beside

    assert at(10**6) == pytest.approx((2e11, 0.025))
    assert at(10**3) == pytest.approx((1e11, 0.01))
    assert at(10**8) == pytest.approx((3e11, 0.4))  # an optimizer that goes over ten times the weights
    assert pace_of(points, 10**6, "fp32", "masked") is None


def test_scores_of_stripes() -> None:
    assert scores(2, 128, 3, 5, causal=True) == scores(2, 128, 3, 5, causal=False) == 2 * 128 * 128 * 15
    assert scores(1, 320, 1, 1, causal=True) == 128 * 128 + 128 * 256 + 64 * 320


@pytest.mark.parametrize(
    ("steps", "interval", "looks"), [(1, 50, 1), (1, 1, 1), (300, 50, 7), (310, 50, 8), (10, 50, 2), (5, 1, 5)]
)
def test_looks_at_held_out_text(steps: int, interval: int, looks: int) -> None:
    assert looked_at(steps, interval) == looks
    assert looks == sum(step in (1, steps) or step % interval == 0 for step in range(1, steps + 1))


def plan(held: float = 100, *, compiled: bool = False, **params: Any) -> Plan:
    """A run of which every pass takes 0.3 s and a written token 0.01 s."""
    given = Training(**{"eval_interval": 50, "sample_interval": 100, "sample_tokens": 80, **params})
    return Plan(given, Pace(0.03, 1e-12, 0.0), Load(2.7e11, 0.0), held, compiled)


def test_a_run_is_its_steps_its_looks_and_its_samples() -> None:
    assert plan(steps=300).seconds(300) == pytest.approx(300 * 0.3 + 7 * 8 * 0.1 + 3 * 80 * 0.01)
    assert plan(held=1.5, steps=300).seconds(300) == pytest.approx(300 * 0.3 + 7 * 2 * 0.1 + 3 * 80 * 0.01)
    assert plan(steps=300, gradient_accumulation=4).step == pytest.approx(1.2)
    assert plan(steps=300, gradient_checkpointing=True).step == pytest.approx(0.4)


def test_minutes_become_steps_by_the_pace() -> None:
    assert plan(minutes=3).steps(2048) == 600
    assert plan(tokens=4096).steps(2048) == 2


def test_a_compiled_run_waits_and_then_is_faster() -> None:
    off, on = plan(steps=300), plan(steps=300, compiled=True)
    assert on.step == pytest.approx(off.step / GAIN)
    assert on.seconds(300) == pytest.approx(off.seconds(300) - 90 * (1 - 1 / GAIN) + START_SECONDS)


@pytest.mark.parametrize(
    ("params", "auto", "expected"),
    [
        ({"steps": 5000}, True, True),
        ({"steps": 200}, True, False),
        ({"steps": 5000}, False, False),
        ({"steps": 5000, "compile": "off"}, True, False),
        ({"steps": 3, "compile": "on"}, False, True),
        ({"minutes": 5}, True, True),
    ],
    ids=str,
)
def test_what_will_be_compiled(params: dict[str, Any], auto: bool, expected: bool) -> None:
    assert compiled(Training(**params), FACTS, 10_000_000, 0, 2048, "bf16", auto=auto) is expected
    if auto and expected and "steps" in params:
        unknown = FACTS.model_copy(update={"devices": None})
        assert not compiled(Training(**params), unknown, 10_000_000, 0, 2048, "bf16", auto=auto)
