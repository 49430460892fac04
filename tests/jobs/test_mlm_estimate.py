"""What the estimate of `mlm` says, against the real network and the speeds that were measured."""

from typing import Any

import pytest
import torch

from playground.domain.kind import SpeedPoint
from playground.domain.presets import PRESETS, count
from playground.jobs.mlm import kind
from tests.jobs.test_mlm import FACTS, params
from workers.engine import models


@pytest.mark.parametrize("pairs", [False, True])
@pytest.mark.parametrize("given", [*({"preset": name} for name in PRESETS), {"d_ff": 100, "n_layer": 3}], ids=str)
def test_parameters_are_those_of_the_real_network(given: dict[str, Any], pairs: bool) -> None:
    shape = params(**given, next_sentence=pairs).shape()
    network = models.build(shape, 0.0, None, 0, torch.device("meta"), 0)
    assert count(shape) == sum(weight.numel() for weight in network.parameters())
    assert kind.estimate(params(**given, next_sentence=pairs), FACTS).parameters == count(shape)


def test_time_follows_the_speed_of_masked_work() -> None:
    """The head over the vocabulary works for the hidden tokens alone, and tables are only looked up."""
    plain = SpeedPoint(parameters=1_000_000, flops_per_s=1e11, precision="fp32")
    own = plain.model_copy(update={"work": "masked", "flops_per_s": 5e10})
    few, many = params(mask_share=0.1), params(mask_share=0.6)
    facts = FACTS.model_copy(update={"speed": [plain, own]})
    found, more = kind.estimate(few, facts), kind.estimate(many, facts)
    assert found.tokens is not None
    assert found.flops is not None
    assert found.steps is not None
    assert found.seconds is not None
    looks = 8 / 3 * (found.steps // 50 + 1) / found.steps  # eight batches, forward
    assert found.seconds == pytest.approx(found.flops / 5e10 * (1 + looks))
    head = 2048 * 128 + 128 * 128 + 128 + 256 + 2048
    assert (more.flops or 0) - found.flops == pytest.approx(6 * 0.5 * head * found.tokens, rel=1e-4)
    assert found.flops == pytest.approx(6 * found.tokens * (found.parameters - 0.9 * head - 130 * 128), rel=1e-4)
    unmeasured = kind.estimate(few, FACTS.model_copy(update={"speed": [plain]}))
    assert unmeasured.seconds == pytest.approx(found.seconds / 2)
