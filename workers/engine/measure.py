"""How fast this machine trains: a few real steps of three small models, in each precision that it may choose.

A form's estimate of time rests on these. The whole measurement takes a few seconds and is spread over sizes, as the
share of the hardware's speed that training reaches grows with the width of the model.
"""

import time
from typing import Any

import numpy as np
import torch

from playground.domain.kind import Batch, SpeedPoint
from playground.domain.presets import PRESETS, Preset, Shape, count, feed_forward
from playground.domain.training import Training
from workers.engine import models
from workers.engine.batches import tensors
from workers.engine.objectives import next_token
from workers.engine.precision import Learner, Precision, resolve
from workers.engine.process import peak_memory

SIZES = ("200k", "1m", "10m")
BATCH, BLOCK, VOCABULARY = 16, 128, 2048
WARM_UP, STEPS = 1, 5
SECONDS_EACH = 0.8
"""No further step is begun after this long, so that a slow machine is not kept busy for minutes."""


def measure(device: torch.device) -> list[SpeedPoint]:
    """Useful operations a second (six for each parameter and token) by model size and precision."""
    precisions: list[Precision] = ["bf16", "fp32"] if resolve("auto", device) == "bf16" else ["fp32"]
    return [_point(name, precision, device) for name in SIZES for precision in precisions]


def libraries(device: torch.device) -> int:
    """Bytes that an engine holds for its libraries: its peak after one step of a network that is next to nothing.

    Called before anything large. A build of torch for GPUs takes some 300 MiB more here than one for CPUs.
    """
    shape = _shape(PRESETS["200k"])
    learner = Learner(models.build(shape, 0.0, None, 0, device).train(), Training(), "fp32")
    ids = np.zeros((1, 8), dtype=np.int64)
    loss: Any = next_token(learner.model, tensors(Batch(ids, ids), device))
    loss.backward()
    learner.collect()
    learner.update(1e-3)
    return peak_memory(device)


def _shape(preset: Preset) -> Shape:
    return Shape(
        architecture="llama",
        n_layer=preset.n_layer,
        n_head=preset.n_head,
        n_kv_head=preset.n_head,
        d_model=preset.d_model,
        d_ff=feed_forward("llama", preset.d_model),
        vocab_size=VOCABULARY,
        block_size=BLOCK,
        tie=True,
    )


def _point(name: str, precision: Precision, device: torch.device) -> SpeedPoint:
    shape = _shape(PRESETS[name])
    learner = Learner(models.build(shape, 0.0, None, 0, device).train(), Training(), precision)
    ids = np.random.default_rng(0).integers(0, VOCABULARY, (BATCH, BLOCK))
    batch = tensors(Batch(ids, ids), device)
    times: list[float] = []
    for _ in range(WARM_UP + STEPS):
        begun = time.perf_counter()
        loss: Any = next_token(learner.model, batch)
        loss.backward()
        learner.collect()
        learner.gradient_norm()  # waits for the device
        learner.update(1e-3)
        times.append(time.perf_counter() - begun)
        if sum(times) > SECONDS_EACH and len(times) > WARM_UP:
            break
    seconds = min(times[WARM_UP:])  # the others were disturbed
    parameters = count(shape)
    return SpeedPoint(parameters=parameters, flops_per_s=6 * parameters * BATCH * BLOCK / seconds, precision=precision)
