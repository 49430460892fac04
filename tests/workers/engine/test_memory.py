"""The estimate of memory against the peak of real processes that take a few steps."""

import json
import subprocess
import sys
from typing import Any

import pytest

from playground.domain.kind import Facts
from playground.jobs.clm import Params, kind
from tests.workers.engine.attempts import CORPUS_ID
from tests.workers.engine.conftest import ROOT

PROGRAM = """
import json, sys
import numpy as np
import torch
import workers.engine.preload
from playground.domain.kind import Batch
from playground.jobs.clm import Params
from workers.engine import models
from workers.engine.batches import tensors
from workers.engine.objectives import next_token
from workers.engine.precision import Learner
from workers.engine.process import peak_memory, tune

tune(1)
libraries = peak_memory(torch.device('cpu'))
params = Params(**json.loads(sys.argv[1]))
device = torch.device("cpu")
model = models.build(params.shape(), params.dropout, None, 0, device).train()
learner = Learner(model, params, params.precision)
ids = np.zeros((params.batch_size, params.block_size), dtype=np.int64)
batch = tensors(Batch(ids, ids), device)
for _ in range(2):
    next_token(learner.model, batch).backward()
    learner.collect()
    learner.update(1e-3)
print(libraries, peak_memory(device))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "given",
    [
        {"precision": "fp32", "batch_size": 64},
        {"precision": "bf16", "preset": "10m", "block_size": 256, "batch_size": 8},
        {"precision": "bf16", "architecture": "gpt2", "batch_size": 64, "dropout": 0.1},
        {"precision": "fp32", "preset": "200k", "vocab_size": 32_000},
    ],
    ids=str,
)
def test_memory_is_as_foretold(given: dict[str, Any]) -> None:
    given = {"corpus": CORPUS_ID, **given}
    command = [sys.executable, "-c", PROGRAM, json.dumps(given)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    libraries, peak = (int(figure) for figure in told.split())
    facts = Facts(corpus_bytes=10**6, corpus_characters=10**6, libraries=libraries)
    memory = kind.estimate(Params(**given), facts).memory
    assert 0.75 * peak < memory.total < 1.4 * peak
