"""The estimate of memory against the peak of real processes that take a few steps."""

import json
import subprocess
import sys
from typing import Any

import pytest

from playground.domain.kind import Facts
from playground.domain.registry import kinds
from tests.workers.engine.attempts import CORPUS_ID
from tests.workers.engine.conftest import ROOT

PROGRAM = """
import json, sys
import numpy as np
import torch
import workers.engine.preload
from playground.domain.kind import Batch
from playground.domain.registry import kinds
from workers.engine import adapters, bases, models
from workers.engine.batches import IGNORED, tensors
from workers.engine.objectives import OBJECTIVES
from workers.engine.precision import Learner
from workers.engine.process import peak_memory, tune

tune(1)
libraries = peak_memory(torch.device('cpu'))
kind = kinds()[sys.argv[1]]
params = kind.Params(**json.loads(sys.argv[2]))
device = torch.device("cpu")
tuning = "model" in kind.Params.model_fields
new = kinds()["clm"].Params(**json.loads(sys.argv[3])) if tuning else params
model = models.build(new.shape(), new.dropout, None, 0, device).train()
about = bases.describe(model)
if kind.trains == "adapter":
    adapters.attach(model, params, "base")
learner = Learner(model, params, params.precision)
dice = np.random.default_rng(0)
asked = 0.15 if kind.objective == "masked" else 0.5 if tuning else 1.0
for _ in range(6):
    ids = np.zeros((params.batch_size, params.block_size), dtype=np.int64)
    labels = np.where(dice.random(ids.shape) < asked, ids, IGNORED)
    places = np.broadcast_to(np.arange(params.block_size), ids.shape)
    packed = {"documents": places // 100, "positions": places % 100} if tuning else {}
    learner.backward(OBJECTIVES[kind.objective](learner.model, tensors(Batch(ids, labels, **packed), device)))
    learner.update(1e-3)
print(json.dumps([libraries, peak_memory(device), about]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("clm", {"precision": "fp32", "batch_size": 64}),
        ("clm", {"precision": "bf16", "preset": "10m", "block_size": 256, "batch_size": 8}),
        ("clm", {"precision": "bf16", "architecture": "gpt2", "batch_size": 64, "dropout": 0.1}),
        ("clm", {"precision": "fp32", "preset": "200k", "vocab_size": 32_000}),
        ("sft", {"precision": "bf16", "block_size": 512}),
        ("lora_sft", {"precision": "bf16", "block_size": 512}),
        ("lora_sft", {"precision": "fp32", "block_size": 128, "batch_size": 16}),
        ("mlm", {"precision": "bf16"}),
        ("mlm", {"precision": "fp32", "batch_size": 64}),
        ("mlm", {"precision": "bf16", "batch_size": 64, "dropout": 0.1}),
        ("mlm", {"precision": "bf16", "preset": "10m", "block_size": 256, "batch_size": 8}),
    ],
    ids=str,
)
def test_memory_is_as_foretold(name: str, given: dict[str, Any]) -> None:
    """After a few steps, each with another number of labels in a masked model."""
    given = {"corpus": CORPUS_ID, **given}
    kind = kinds()[name]
    tuning = "model" in kind.Params.model_fields
    base = {"corpus": CORPUS_ID, "preset": "10m", "block_size": 512}
    given |= {"model": CORPUS_ID} if tuning else {}
    command = [sys.executable, "-c", PROGRAM, name, json.dumps(given), json.dumps(base)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    libraries, peak, about = json.loads(told)
    model = about if tuning else None
    facts = Facts(corpus_bytes=10**6, corpus_characters=10**6, libraries=libraries, model=model)
    memory = kind.estimate(kind.Params(**given), facts).memory
    assert 0.75 * peak < memory.total < 1.4 * peak
