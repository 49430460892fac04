"""The loss on held-out text, in three units.

Nats per token is what training minimizes; perplexity is its exponential; bits per byte does not depend on how long
the tokens are, and so compares models with different tokenizers.
"""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from playground.domain.kind import Data, JobKind
from workers.engine.batches import IGNORED, tensors
from workers.engine.objectives import OBJECTIVES, NotFinite

LARGEST_EXPONENT = 700.0
"""exp of more than this is no finite number."""


@torch.no_grad()
def evaluate(
    model: Any, kind: JobKind, data: Data, params: Any, byte_lengths: NDArray[np.int64], step: int
) -> dict[str, float]:
    """Mean over the held-out batches: val_loss (nats per token), perplexity, and for causal kinds bits_per_byte.

    `byte_lengths` (vocabulary,) says how many bytes of text each token stands for. The model is left in training mode.
    Raises NotFinite where the weights give no finite loss.
    """
    model.eval()
    total, counted, spelled, index = 0.0, 0, 0, 0
    while (batch := kind.batch(data, params, "held_out", step, index)) is not None:
        learned = batch.labels[batch.labels != IGNORED]
        if len(learned):
            total += OBJECTIVES[kind.objective](model, tensors(batch, model.device)).item() * len(learned)
        counted += len(learned)
        spelled += int(byte_lengths[learned].sum())
        index += 1
    model.train()
    loss = total / max(1, counted)
    if not math.isfinite(loss):
        raise NotFinite("held-out loss", step, taken=True)
    found = {"val_loss": loss, "perplexity": math.exp(min(loss, LARGEST_EXPONENT))}
    return found | ({"bits_per_byte": total / math.log(2) / max(1, spelled)} if kind.attention == "causal" else {})
