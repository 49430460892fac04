"""Loss functions, one for each kind of objective; a job kind names the one it wants.

The logits of all positions are by far the largest array of a small language model. The loss over the vocabulary
therefore goes through the positions in chunks, and computes the gradient of a chunk while its logits are at hand, so
that they never exist all at once and are never stored for the backward pass.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from playground.domain.errors import VitrineError
from playground.domain.estimate import GRANULE, loss_rows
from workers.engine import encoders, models
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


UNLIKELY, SURE = 1e-30, 0.5
"""Probabilities below which, and above which, one that was rounded says too little of the loss."""


class ChunkedCrossEntropy(torch.autograd.Function):
    """Mean of -log softmax(hidden @ weight.T + bias)[label] over the positions that have a label, in nats.

    Positions without a label are left out of every product, but for some that fill up the last rows to a multiple of
    GRANULE.
    """

    apply: Callable[..., Tensor]

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, labels: Tensor, with_gradient: bool, bias: Tensor | None = None
    ) -> Tensor:
        """hidden (rows, width), weight (vocabulary, width), labels (rows), bias (vocabulary,); a scalar in fp32."""
        chosen = (labels != IGNORED).nonzero().squeeze(1)
        every = len(chosen) == len(labels)
        count = len(chosen)
        filled = chosen if every else nn.functional.pad(chosen, (0, -count % GRANULE))
        learned, targets = (hidden, labels) if every else (hidden[filled], labels[filled].clamp(min=0))
        total = torch.zeros((), dtype=torch.float32, device=hidden.device)
        d_learned = torch.empty_like(learned)
        trained = ctx.needs_input_grad[1]  # not that of a base under an adapter
        d_weight = torch.zeros(weight.shape, dtype=torch.float32, device=weight.device) if trained else None
        d_bias = None if bias is None else torch.zeros(len(bias), dtype=torch.float32, device=bias.device)
        size = loss_rows(len(weight))
        for start in range(0, len(learned), size):
            rows = slice(start, start + size)
            likelihood, gradient = _odds(nn.functional.linear(learned[rows], weight, bias), targets[rows, None])
            real = max(0, count - start)
            total -= likelihood[:real].sum()
            if with_gradient:
                gradient[real:] = 0
                torch.mm(gradient, weight, out=d_learned[rows])
                if d_weight is not None:
                    d_weight += gradient.t() @ learned[rows]
                if d_bias is not None:
                    d_bias += gradient.sum(0, dtype=torch.float32)
        ctx.share = 1.0 / max(1, count)
        d_hidden = d_learned if every else torch.zeros_like(hidden).index_copy_(0, chosen, d_learned[:count])
        ctx.save_for_backward(d_hidden, d_weight, d_bias)
        mean: Tensor = total * ctx.share
        return mean

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients that the forward pass has computed, times that of the loss."""
        d_hidden, d_weight, d_bias = ctx.saved_tensors
        scale, dtype = upstream[0] * ctx.share, d_hidden.dtype
        parts = [None if part is None else (part * scale).to(dtype) for part in (d_weight, d_bias)]
        return d_hidden * scale, parts[0], None, None, parts[1]


def _odds(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Log-probability of each row's target, fp32 (rows, 1), and softmax minus one-hot, its gradient, as the logits.

    One pass over the vocabulary each way: what 16 bits would lose is computed again for the rows that lose it.
    """
    odds = torch.softmax(logits, dim=-1)
    hit = odds.gather(1, target).float()
    likelihood = hit.log()
    unlikely = (hit < max(UNLIKELY, torch.finfo(logits.dtype).tiny)).nonzero()[:, 0]
    if len(unlikely):
        exact = torch.log_softmax(logits[unlikely].float(), dim=-1)
        likelihood[unlikely] = exact.gather(1, target[unlikely])
    if logits.dtype != torch.float32:
        sure = (hit > SURE).nonzero()[:, 0]
        if len(sure):
            rest = odds[sure].scatter(1, target[sure], 0).sum(dim=-1, keepdim=True, dtype=torch.float32)
            hit[sure], likelihood[sure] = 1 - rest, torch.log1p(-rest)
    # Not scatter_, whose deterministic form copies the whole array.
    odds[torch.arange(len(odds), device=odds.device), target[:, 0]] = (hit[:, 0] - 1).to(odds.dtype)
    return likelihood, odds


def next_token(model: Any, batch: Tensors) -> Tensor:
    """Mean loss, in nats, of predicting each label from the tokens up to its position."""
    states = models.hidden_states(model, batch, causal=True)
    flat, labels = states.reshape(-1, states.shape[-1]), batch.labels.reshape(-1)
    return batch.share * ChunkedCrossEntropy.apply(flat, model.lm_head.weight, labels, torch.is_grad_enabled())


def masked(model: Any, batch: Tensors) -> Tensor:
    """Mean loss, in nats, of naming each hidden token; for pairs, plus that of telling whether the second follows."""
    states = encoders.states_of(model, batch)
    rows, labels = encoders.asked(model, states, batch)
    output = model.cls.predictions.decoder
    loss = batch.share * ChunkedCrossEntropy.apply(rows, output.weight, labels, torch.is_grad_enabled(), output.bias)
    if batch.answers is None:
        return loss
    return loss + nn.functional.cross_entropy(encoders.follows(model, states), batch.answers)


OBJECTIVES: dict[str, Callable[[Any, Tensors], Tensor]] = {"next_token": next_token, "masked": masked}
"""Each gives the mean over the labels of a batch."""
