"""How fast this machine trains: a few real steps of three small models, in each precision that it may choose.

A form's estimate of time rests on these. The whole measurement takes a few seconds and is spread over sizes, as the
share of the hardware's speed that training reaches grows with the width of the model; and over sorts of work, as the
many small products of an adapter reach less of it.
"""

import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from playground.domain.estimate import Precision
from playground.domain.kind import Batch, SpeedPoint, Work
from playground.domain.presets import PRESETS, Architecture, Preset, Shape, count, feed_forward, multiplied
from playground.domain.training import Training
from workers.engine import adapters, models
from workers.engine.batches import IGNORED, tensors
from workers.engine.objectives import OBJECTIVES, next_token
from workers.engine.precision import Learner, resolve
from workers.engine.process import peak_memory

SIZES = ("200k", "1m", "10m")
BATCH, BLOCK, VOCABULARY = 16, 128, 2048
WARM_UP, STEPS = 1, 5
SECONDS_EACH = 0.8
"""No further step is begun after this long, so that a slow machine is not kept busy for minutes."""
ASKED: dict[Work, float] = {"next_token": 1.0, "masked": 0.15, "adapter": 0.5}
"""Usual shares of tokens with a label; about half of an example is its answer."""
ADAPTER = SimpleNamespace(rank=8, alpha=16.0, dropout=0.0, target_modules="all-linear", seed=0)


def measure(device: torch.device) -> list[SpeedPoint]:
    """Useful operations a second by sort of work, model size and precision; see `Work`.

    What learns hidden tokens and what adapts a base is measured in the faster precision alone.
    """
    best = resolve("auto", device)
    precisions: list[Precision] = ["bf16", "fp32"] if best == "bf16" else ["fp32"]
    points = [_point(name, precision, device) for name in SIZES for precision in precisions]
    others: list[Work] = ["masked", "adapter"]
    return points + [_point(name, best, device, work) for work in others for name in SIZES]


def libraries(device: torch.device) -> int:
    """Bytes that an engine holds for its libraries: its peak after one step of a network that is next to nothing.

    Called before anything large. A build of torch for GPUs takes some 300 MiB more here than one for CPUs.
    """
    shape = _shape(PRESETS["200k"])
    learner = Learner(models.build(shape, 0.0, None, 0, device).train(), Training(), "fp32")
    ids = np.zeros((1, 8), dtype=np.int64)
    loss: Any = next_token(learner.model, tensors(Batch(ids, ids), device))
    learner.backward(loss)
    learner.update(1e-3)
    return peak_memory(device)


def _shape(preset: Preset, architecture: Architecture = "llama") -> Shape:
    return Shape(
        architecture=architecture,
        n_layer=preset.n_layer,
        n_head=preset.n_head,
        n_kv_head=preset.n_head,
        d_model=preset.d_model,
        d_ff=feed_forward(architecture, preset.d_model),
        vocab_size=VOCABULARY,
        block_size=BLOCK,
        tie=True,
    )


def _point(name: str, precision: Precision, device: torch.device, work: Work = "next_token") -> SpeedPoint:
    shape = _shape(PRESETS[name], "bert" if work == "masked" else "llama")
    model = models.build(shape, 0.0, None, 0, device).train()
    parameters, each = count(shape), 6 * multiplied(shape, ASKED[work])
    if work == "adapter":
        adapters.attach(model, ADAPTER, "measured")
        trained = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
        each = 4 * parameters + 2 * trained
    learner = Learner(model, Training(), precision)
    objective = OBJECTIVES["masked" if work == "masked" else "next_token"]
    dice = np.random.default_rng(0)
    ids = dice.integers(0, VOCABULARY, (BATCH, BLOCK))
    labels = np.where(dice.random(ids.shape) < ASKED[work], ids, IGNORED)
    batch = tensors(Batch(ids, labels), device)
    times: list[float] = []
    for _ in range(WARM_UP + STEPS):
        begun = time.perf_counter()
        loss: Any = objective(learner.model, batch)
        learner.backward(loss)
        learner.gradient_norm()  # waits for the device
        learner.update(1e-3)
        times.append(time.perf_counter() - begun)
        if sum(times) > SECONDS_EACH and len(times) > WARM_UP:
            break
    rate = each * BATCH * BLOCK / min(times[WARM_UP:])  # the others were disturbed
    return SpeedPoint(work=work, parameters=parameters, flops_per_s=rate, precision=precision)
