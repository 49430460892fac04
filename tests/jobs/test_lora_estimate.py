"""What the estimate of `lora_sft` says of cost, and of what cannot work, before a run is queued."""

import math
from typing import Any

import pytest
import torch

from playground.domain.kind import Facts, SpeedPoint
from playground.jobs.clm import Params as Clm
from playground.jobs.lora_sft import kind
from tests.jobs.test_lora_sft import ID, params
from workers.engine import bases, models

MODEL = {
    "parameters": 1_000_000, "vocab_size": 2048, "context": 256, "architecture": "llama", "layers": 4, "width": 128,
    "heads": 4, "linear": {"q_proj": [[128, 128, 4]], "down_proj": [[352, 128, 4]]},
}  # fmt: skip
FACTS = Facts(corpus_bytes=90_000, corpus_characters=90_000, model=MODEL)


def test_the_adapter_is_counted_exactly() -> None:
    network = models.build(Clm(corpus=ID, preset="200k").shape(), 0.0, 0, 0, torch.device("meta"))
    facts = FACTS.model_copy(update={"model": bases.describe(network)})
    for wanted, names in (("all-linear", 7), ("auto", 2), (["up_proj"], 1)):
        given = params(rank=4, target_modules=wanted)
        chosen = {"all-linear": None, "auto": {"q_proj", "v_proj"}}.get(str(wanted), {"up_proj"})
        real = sum(
            4 * (module.in_features + module.out_features)
            for path, module in network.named_modules()
            if isinstance(module, torch.nn.Linear) and "lm_head" not in path
            and (chosen is None or path.rpartition(".")[2] in chosen)
        )  # fmt: skip
        found = kind.estimate(given, facts)
        assert found.trained == real > 0, names
        assert found.parameters == sum(weight.numel() for weight in network.parameters()) + real


def test_what_a_run_will_cost() -> None:
    speed = [SpeedPoint(parameters=1_000_000, flops_per_s=1e11, precision="fp32")]
    wanted = params(batch_size=4, steps=10)
    found = kind.estimate(wanted, FACTS.model_copy(update={"speed": speed}))
    assert found.tokens_per_step == 4 * 256
    assert found.trained == 8 * 4 * (256 + 480)
    multiplied = 4 * (128 * 128 + 352 * 128) + 2048 * 128 / 2  # the output layer for the answers alone
    assert found.flops == (4 * multiplied + 6 * found.trained) * found.tokens_per_step * 10
    looks = 2 * math.ceil(0.1 * 90_000 / 2.85 / 0.9 / 1024) / 3 * found.flops / 10
    assert found.seconds == pytest.approx((found.flops + looks) / 1e11)
    own = speed[0].model_copy(update={"work": "adapter", "flops_per_s": 2e10, "score_seconds": 1e-9})
    slower = kind.estimate(wanted, FACTS.model_copy(update={"speed": [*speed, own]}))
    compared = (10 * found.flops + 10 * looks) / found.flops * (4 * 256 * 256 * 4 * 4 + 4 * 256 * 2048 / 6)
    assert slower.seconds == pytest.approx((found.flops + looks) / 2e10 + compared * 1e-9)
    memory = found.memory
    assert memory.optimizer == 8 * found.trained
    parts = (memory.weights, memory.gradients, memory.optimizer, memory.activations, memory.logits, memory.other)
    assert memory.total == sum(parts)
    assert kind.estimate(params(precision="bf16"), FACTS).memory.weights < memory.weights


JSONL = {"rows": 9, "keys": ["instruction"], "forms": {"alpaca": 8}, "without": {"alpaca": 4, "plain": 1}, "unfit": 4}


@pytest.mark.parametrize(
    ("given", "facts", "field", "words"),
    [
        ({}, {"rows": {}}, "corpus", "not JSONL"),
        ({}, {"rows": {"rows": 9, "long": 7}}, "corpus", "Row 7 of the corpus is longer than 4194304 characters"),
        (
            {},
            {"rows": JSONL},
            "corpus",
            "Row 4 of the corpus lacks the keys that are needed: instruction + output / messages / prompt + ",
        ),
        (
            {"rows": "plain"},
            {"rows": JSONL},
            "corpus",
            "Row 1 of the corpus lacks the keys that are needed: prompt + completion.",
        ),
        ({}, {"model": {**MODEL, "adapter": True}}, "model", "This is an adapter"),
        ({"target_modules": ["k_proj"]}, {}, "target_modules", "no layer named k_proj; it has: down_proj, q_proj."),
        ({"block_size": 512}, {}, "block_size", "sees 256 tokens"),
        ({"quantization": "nf4"}, {}, "quantization", "NF4 needs a CUDA device"),
        ({}, {"memory_available": 2**20}, "batch_size", "GiB of memory"),
    ],
)
def test_what_cannot_work_is_said_before_it_is_queued(
    given: dict[str, Any], facts: dict[str, Any], field: str, words: str
) -> None:
    found = kind.estimate(params(**given), FACTS.model_copy(update=facts))
    assert not found.fits
    assert [problem.field for problem in found.problems] == [field]
    assert words in found.problems[0].message


def test_nf4_is_fine_where_there_is_a_gpu() -> None:
    assert kind.estimate(params(quantization="nf4"), FACTS.model_copy(update={"device": "cuda:0"})).fits
