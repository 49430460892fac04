"""Loss functions, one for each kind of objective; a job kind names the one it wants.

The logits of all positions are by far the largest array of a small language model. The loss over the vocabulary
therefore goes through the positions in chunks, and computes the gradient of a chunk while its logits are at hand, so
that they never exist all at once and are never stored for the backward pass.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from playground.domain.errors import VitrineError
from playground.domain.estimate import loss_rows
from workers.engine import models
from workers.engine.batches import IGNORED, Tensors


class NotFinite(VitrineError):
    """The loss or the gradient of a step is infinite or no number: found before the step was taken, or right after."""

    code = "nan_loss"

    def __init__(self, what: str, step: int, *, taken: bool = False) -> None:
        super().__init__(
            f"The {what} of step {step} is not a finite number, and training ended there. "
            "A smaller learning rate or a longer warm-up helps."
            if taken
            else f"The {what} of step {step} is not a finite number, so the step was not taken. "
            "A smaller learning rate or a longer warm-up helps."
        )
        self.step = step


class ChunkedCrossEntropy(torch.autograd.Function):
    """Mean of -log softmax(hidden @ weight.T)[label] over the positions that have a label, in nats."""

    apply: Callable[[Tensor, Tensor, Tensor, bool], Tensor]

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, labels: Tensor, with_gradient: bool) -> Tensor:
        """hidden (rows, width), weight (vocabulary, width), labels (rows); a scalar in fp32."""
        counted = labels != IGNORED
        share = 1.0 / counted.sum().clamp(min=1).item()
        total = torch.zeros((), dtype=torch.float32, device=hidden.device)
        d_hidden = torch.empty_like(hidden)
        d_weight = torch.zeros(weight.shape, dtype=torch.float32, device=weight.device)
        size = loss_rows(len(weight))
        for start in range(0, len(hidden), size):
            rows = slice(start, start + size)
            keep, target = counted[rows, None], labels[rows, None].clamp(min=0)
            logits = (hidden[rows] @ weight.t()).float()
            normalizer = torch.logsumexp(logits, dim=-1, keepdim=True)
            total += ((normalizer - logits.gather(1, target)) * keep).sum()
            if with_gradient:
                logits.sub_(normalizer).exp_().scatter_(1, target, logits.gather(1, target) - 1)
                gradient = logits.mul_(keep * share).to(hidden.dtype)
                torch.mm(gradient, weight, out=d_hidden[rows])
                d_weight += gradient.t() @ hidden[rows]
        ctx.save_for_backward(d_hidden, d_weight.to(weight.dtype))
        return total * share

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, Tensor, None, None]:
        """The gradients that the forward pass has computed, times that of the loss."""
        d_hidden, d_weight = ctx.saved_tensors
        return d_hidden * upstream[0], d_weight * upstream[0], None, None


def next_token(model: Any, batch: Tensors) -> Tensor:
    """Mean loss, in nats, of predicting each label from the tokens up to its position."""
    states = models.hidden_states(model, batch, causal=True)
    flat, labels = states.reshape(-1, states.shape[-1]), batch.labels.reshape(-1)
    return ChunkedCrossEntropy.apply(flat, model.lm_head.weight, labels, torch.is_grad_enabled())


OBJECTIVES: dict[str, Callable[[Any, Tensors], Tensor]] = {"next_token": next_token}
"""Each gives the mean over the labels of a batch."""
