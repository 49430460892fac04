"""fp16 and the scale of its loss: gradients as in fp32, halved where they overflow, and part of a run's state.

Where a run may use it there is a GPU; what it computes, a CPU computes too, only slower.
"""

import math
from typing import Any

import pytest
import torch

from playground.domain.errors import BadInput
from playground.domain.presets import Shape
from playground.domain.training import Training
from tests.workers.engine.attempts import Bench
from workers.engine import models
from workers.engine.batches import Tensors
from workers.engine.objectives import next_token
from workers.engine.precision import FIRST_SCALE, LARGEST_SCALE, PATIENCE, Learner, resolve

CPU = torch.device("cpu")
SHAPE = Shape("llama", 2, 2, 2, 32, 64, 64, 16, tie=True)


def learner(precision: Any = "fp16") -> Learner:
    model = models.build(SHAPE, 0.0, None, 1, CPU).train()
    return Learner(model, Training(), precision)


def batch(number: int) -> Tensors:
    ids = torch.randint(64, (2, 17), generator=torch.Generator().manual_seed(number))
    return Tensors(ids[:, :-1], ids[:, 1:].contiguous(), None, None, None, None, 32, 32)


def passed(learns: Learner, number: int, factor: float = 1.0) -> float:
    """One pass both ways; the length of the gradient."""
    learns.backward(next_token(learns.model, batch(number)) * factor)
    return learns.gradient_norm()


def state(learns: Learner) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in learns.state()}


def scale(learns: Learner) -> list[float]:
    found: list[float] = state(learns)["scale"].tolist()
    return found


def test_its_gradients_are_those_of_fp32() -> None:
    exact, ours = learner("fp32"), learner()
    assert passed(ours, 1) == pytest.approx(passed(exact, 1), rel=0.01)
    wanted = exact.gradients()
    for name, gradient in ours.gradients().items():
        torch.testing.assert_close(gradient, wanted[name], rtol=0.05, atol=2e-3 * float(wanted[name].abs().max()))


def test_small_gradients_survive() -> None:
    """Divided by 2^22, next to all of them would vanish in 16 bits."""
    exact, ours = learner("fp32"), learner()
    assert passed(ours, 1, 2.0**-22) == pytest.approx(passed(exact, 1, 2.0**-22), rel=0.01)


def test_an_overflow_halves_the_scale_and_is_forgotten() -> None:
    ours = learner()
    passed(ours, 1)
    ours.update(1e-3)
    before = state(ours)
    norm = passed(ours, 2, 1e6)
    assert not math.isfinite(norm)
    assert ours.overflowed(norm)
    assert not ours.gradient.any()
    after = state(ours)
    assert after.pop("scale").tolist() == [FIRST_SCALE / 2, 0.0]
    assert before.pop("scale").tolist() == [FIRST_SCALE, 1.0]
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert math.isfinite(passed(ours, 2))


def test_what_is_never_finite_is_told_in_the_end() -> None:
    ours = learner()
    passed(ours, 1)
    ours.update(1e-3)
    halved = 0
    while ours.overflowed(math.inf):
        halved += 1
    assert halved == math.log2(FIRST_SCALE)
    assert scale(ours)[0] == 1.0


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_others_have_no_scale_to_blame(precision: str) -> None:
    assert not learner(precision).overflowed(math.inf)


def test_good_steps_double_it_up_to_a_limit() -> None:
    ours = learner()
    passed(ours, 1)
    ours.update(1e-3)
    tensors = state(ours)
    ours.load({**tensors, "scale": torch.tensor([LARGEST_SCALE / 2, PATIENCE - 1.0])}, 1)
    for expected in ([LARGEST_SCALE, float(PATIENCE)], [LARGEST_SCALE, PATIENCE + 1.0]):
        passed(ours, 2, 2.0**-10)
        ours.update(1e-3)
        assert scale(ours) == expected


def test_it_goes_on_exactly_from_its_state() -> None:
    """With an overflow on the way, before the state and after it."""

    def steps(learns: Learner, numbers: range) -> None:
        for number in numbers:
            while learns.overflowed(passed(learns, number, 300.0 if number in (2, 5) else 1.0)):
                pass
            learns.update(1e-3)

    whole, first = learner(), learner()
    steps(whole, range(8))
    steps(first, range(4))
    second = learner()
    second.load(state(first), 4)
    steps(second, range(4, 8))
    assert scale(whole)[0] < FIRST_SCALE
    ours, theirs = state(second), state(whole)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_a_processor_refuses_it(bench: Bench) -> None:
    with pytest.raises(BadInput, match="CUDA device"):
        resolve("fp16", CPU)
    last = bench.run(precision="fp16")[-1]
    assert getattr(last, "failure", None) == "bad_input"
