"""How fast this machine trains: a few real steps of three small models, in each precision that it may choose.

A form's estimate of time rests on these. They are spread over sizes, as the share of the hardware's speed that training
reaches grows with the width of the model; and over sorts of work, as the many small products of an adapter reach less
of it. Three batches of each tell apart what products, attention and all the rest take.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from playground.domain.estimate import Precision
from playground.domain.instructions.cost import ANSWERED
from playground.domain.kind import Batch, SpeedPoint, Work
from playground.domain.pace import Load, logits, scores, told_apart
from playground.domain.presets import PRESETS, Architecture, Preset, Shape, count, feed_forward, multiplied
from playground.domain.training import Training
from workers.engine import adapters, models
from workers.engine.batches import IGNORED, Tensors, tensors
from workers.engine.objectives import OBJECTIVES, next_token
from workers.engine.precision import Learner, resolve
from workers.engine.process import peak_memory

SIZES = ("200k", "1m", "10m")
VOCABULARY = 2048
BATCHES = ((16, 128), (4, 128), (4, 512))
"""Rows and their length: the usual batch, fewer tokens, and as many tokens of which each is compared with more."""
WARM_UP, STEPS = 1, 5
SECONDS_EACH = 0.5
"""No further step is begun after this long, so that a slow machine is not kept busy for minutes."""
ASKED: dict[Work, float] = {"next_token": 1.0, "packed": ANSWERED, "masked": 0.15, "adapter": ANSWERED}
"""Usual shares of tokens with a label."""
EXAMPLES = 3
"""In a packed block."""
ADAPTER = SimpleNamespace(rank=8, alpha=16.0, dropout=0.0, target_modules="all-linear", seed=0)


def measure(device: torch.device) -> Iterator[list[SpeedPoint]]:
    """The speed of each sort of work (see `Work`) as soon as it is known, that of learning next tokens first.

    That is measured in fp32, too, where another precision is faster; the others in the faster one alone.
    """
    best = resolve("auto", device)
    order: list[tuple[Work, Precision]] = [("next_token", best), ("packed", best), ("adapter", best), ("masked", best)]
    if best != "fp32":
        order.append(("next_token", "fp32"))
    for work, precision in order:
        yield [_point(name, precision, device, work) for name in SIZES]


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
        block_size=max(block for _, block in BATCHES),
        tie=True,
    )


def _point(name: str, precision: Precision, device: torch.device, work: Work) -> SpeedPoint:
    shape = _shape(PRESETS[name], "bert" if work == "masked" else "llama")
    model = models.build(shape, 0.0, None, 0, device).train()
    parameters, each = count(shape), 6 * multiplied(shape, ASKED[work])
    if work == "adapter":
        adapters.attach(model, ADAPTER, "measured")
        trained = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
        each = 4 * multiplied(shape, ASKED[work]) + 6 * trained
    learner = Learner(model, Training(), precision)
    objective = OBJECTIVES["masked" if work == "masked" else "next_token"]
    loads, times = [], []
    for rows, block in BATCHES:
        compared = scores(rows, block, shape.n_head, shape.n_layer, causal=work == "next_token")
        loads.append(Load(float(each * rows * block), compared + logits(rows * block * ASKED[work], VOCABULARY)))
        times.append(_seconds(learner, objective, tensors(_batch(rows, block, work), device)))
    pace = told_apart(loads, times)
    return SpeedPoint(
        work=work,
        parameters=parameters,
        flops_per_s=1 / pace.operation,
        precision=precision,
        pass_seconds=pace.beside,
        score_seconds=pace.score,
    )


def _batch(rows: int, block: int, work: Work) -> Batch:
    """Random tokens; where a run packs examples, a few of equal length in each row."""
    dice = np.random.default_rng(0)
    ids = dice.integers(0, VOCABULARY, (rows, block))
    labels = np.where(dice.random(ids.shape) < ASKED[work], ids, IGNORED)
    if work not in ("packed", "adapter"):
        return Batch(ids, labels)
    long = -(-block // EXAMPLES)
    places = np.broadcast_to(np.arange(block), ids.shape)
    return Batch(ids, labels, documents=places // long, positions=places % long)


def _seconds(learner: Learner, objective: Callable[[Any, Tensors], Tensor], batch: Tensors) -> float:
    """The usual step of a few."""
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
    return statistics.median_low(times[WARM_UP:])
