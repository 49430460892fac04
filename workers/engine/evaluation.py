"""The loss on held-out text, in three units.

Nats per token is what training minimizes; perplexity is its exponential; bits per byte does not depend on how long
the tokens are, and so compares models with different tokenizers.
"""

import math
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from playground.domain.kind import Data, JobKind
from workers.engine import encoders
from workers.engine.batches import IGNORED, Tensors, tensors
from workers.engine.objectives import OBJECTIVES, NotFinite

LARGEST_EXPONENT = 700.0
"""exp of more than this is no finite number."""


JUDGES: dict[str, Callable[[Any, Tensors], dict[str, tuple[float, int]]]] = {"masked": encoders.judge}
"""For an objective that has more to tell than its loss: sums and counts by name; "loss/..." are parts of the loss."""


@torch.no_grad()
def evaluate(
    model: Any, kind: JobKind, data: Data, params: Any, byte_lengths: NDArray[np.int64], step: int
) -> dict[str, float]:
    """Mean over the held-out batches: val_loss (nats per token), perplexity, and for causal kinds bits_per_byte.

    Masked models tell val_accuracy, and val_pair_accuracy of pairs; the perplexity is that of the hidden tokens alone.
    `byte_lengths` (vocabulary,) says how many bytes of text each token stands for. The model is left in training mode.
    Raises NotFinite where the weights give no finite loss.
    """
    judge = JUDGES.get(kind.objective)
    sums: dict[str, float] = defaultdict(float)
    counts: dict[str, int] = defaultdict(int)
    spelled = index = 0
    model.eval()
    while (batch := kind.batch(data, params, "held_out", step, index)) is not None:
        learned = batch.labels[batch.labels != IGNORED]
        there, told = tensors(batch, model.device), {}
        if judge is not None:
            told = judge(model, there)
        elif len(learned):
            told = {"loss/": (OBJECTIVES[kind.objective](model, there).item() * len(learned), len(learned))}
        for name, (total, count) in told.items():
            sums[name] += total
            counts[name] += count
        spelled += int(byte_lengths[learned].sum())
        index += 1
    model.train()
    means = {name: total / max(1, counts[name]) for name, total in sums.items()}
    loss = math.fsum(mean for name, mean in means.items() if name.startswith("loss/"))
    if not math.isfinite(loss):
        raise NotFinite("held-out loss", step, taken=True)
    found = {"val_loss": loss, "perplexity": math.exp(min(means.get("loss/masked", loss), LARGEST_EXPONENT))}
    if kind.attention == "causal":
        found["bits_per_byte"] = sum(sums.values()) / math.log(2) / max(1, spelled)
    return found | {name: mean for name, mean in means.items() if not name.startswith("loss/")}
