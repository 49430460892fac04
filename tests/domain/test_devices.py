"""Several devices in the form: what a run on them needs, and how many it can have."""

from typing import Any

import pytest

from playground.domain.kind import Estimate, Facts
from playground.domain.registry import kinds

ID = "00000000-0000-4000-8000-000000000000"
FACTS: dict[str, Any] = {"corpus_bytes": 1_000_000, "corpus_characters": 1_000_000, "device": "cpu", "devices": 4}
BASE = {"parameters": 1_000_000, "width": 64, "heads": 2, "layers": 2, "vocab_size": 512, "context": 128}


def estimate(kind: str, facts: dict[str, Any], **params: Any) -> Estimate:
    """What the form would say."""
    known = kinds()[kind]
    ids = {"corpus": ID} | ({"model": ID} if "model" in known.Params.model_fields else {})
    model = {"model": BASE, "rows": {"rows": 9}} if "model" in ids else {}
    return known.estimate(known.Params.model_validate({**ids, **params}), Facts(**{**FACTS, **model, **facts}))


@pytest.mark.parametrize("kind", ["clm", "mlm", "sft", "lora_sft"])
def test_each_gpu_holds_its_own_part_of_the_batch(kind: str) -> None:
    one, two = (estimate(kind, {"device": "cuda:0"}, devices=n, batch_size=16).memory for n in (1, 2))
    assert two.activations * 2 == pytest.approx(one.activations, rel=0.01)
    assert (two.weights, two.optimizer, two.other) == (one.weights, one.optimizer, one.other)
    assert two.total < one.total


@pytest.mark.parametrize("kind", ["clm", "mlm", "sft", "lora_sft"])
def test_processes_on_a_cpu_need_its_memory_together(kind: str) -> None:
    one, two = (estimate(kind, {}, devices=n, batch_size=16).memory for n in (1, 2))
    assert two.activations == pytest.approx(one.activations, rel=0.01)
    assert (two.weights, two.optimizer, two.other) == (2 * one.weights, 2 * one.optimizer, 2 * one.other)
    assert two.total == two.weights + two.gradients + two.optimizer + two.activations + two.logits + two.other


@pytest.mark.parametrize(("device", "word"), [("cpu", "threads"), ("cuda:0", "GPUs")])
def test_more_than_there_are_is_refused(device: str, word: str) -> None:
    for kind in ("clm", "lora_sft"):
        found = estimate(kind, {"device": device, "devices": 2}, devices=4)
        assert [problem.field for problem in found.problems if word in problem.message] == ["devices"]
        assert not found.fits
        assert "devices" not in [p.field for p in estimate(kind, {"device": device, "devices": 4}, devices=4).problems]


def test_where_nobody_knows_nothing_is_refused() -> None:
    assert estimate("clm", {"devices": None}, devices=8).fits
