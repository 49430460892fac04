"""Number formats, and the optimizer that makes training in bf16 exact enough.

With bf16, the network computes in 16 bits throughout, while a master copy of its weights in fp32 takes the updates:
a step of a thousandth of a weight would vanish in the 8 bits of a bf16 mantissa. This is twice as fast as mixed
precision on CPUs with matrix units, and learns the same (the losses agree to about 0.5 %).

fp16 has more digits and a smaller range: gradients would vanish below 6e-8. The loss is therefore multiplied before the
way back, as far as its gradients stay finite (Micikevicius et al., 2018), and the gradients divided in fp32.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from transformers.modeling_utils import PreTrainedModel

from playground.domain.errors import BadInput
from playground.domain.estimate import NO_FP16, Precision
from playground.domain.training import Training
from workers.engine.lean import lean

HALVES = {"bf16": torch.bfloat16, "fp16": torch.float16}
FIRST_SCALE, LARGEST_SCALE, PATIENCE = 2.0**16, 2.0**24, 2000
"""What the loss is multiplied with at first and at most, and after how many good steps it is doubled; powers of two,
so that no digit changes."""


def resolve(wanted: Literal["auto", "fp32", "bf16", "fp16"], device: torch.device) -> Precision:
    """The precision to train in; auto takes bf16 where the processor multiplies it in hardware.

    Raises BadInput for fp16 without a GPU.
    """
    if wanted == "fp16" and device.type != "cuda":
        raise BadInput(NO_FP16, {"precision": [NO_FP16]})
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    return "bf16" if _matrix_units() else "fp32"


def _matrix_units() -> bool:
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text().partition("flags")[2].partition("\n")[0].split() if cpuinfo.exists() else []
    return not {"amx_bf16", "avx512_bf16"}.isdisjoint(flags)


class Learner:
    """A model with the AdamW state of its trainable weights: what a step changes and what a checkpoint holds.

    Weights that are frozen (`requires_grad` is off) are kept in the precision of the arithmetic alone.
    """

    def __init__(self, model: PreTrainedModel, params: Training, precision: Precision) -> None:
        self.model = model
        self.precision = precision
        if model.device.type == "cpu":
            lean(model)
        if params.gradient_checkpointing:
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        self._clip = params.clip
        learned = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
        self._names = list(learned)
        initial = [weight.detach().float().clone() for weight in learned.values()]
        if precision == "bf16":
            model.bfloat16()
        elif precision == "fp16":
            nn.Module.half(model)
        self._scale, self._good = FIRST_SCALE if precision == "fp16" else 1.0, 0
        self._weights: list[Tensor] = list(learned.values())
        self._master = [tensor.requires_grad_() for tensor in initial] if precision in HALVES else self._weights
        matrices = [weight for weight in self._master if weight.ndim >= 2]
        vectors = [weight for weight in self._master if weight.ndim < 2]
        groups = [{"params": matrices, "weight_decay": params.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
        betas = (params.beta1, params.beta2)
        self._optimizer = torch.optim.AdamW(groups, lr=0.0, betas=betas, fused=True)

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of a summand of the loss to those of the step, which are kept in fp32."""
        (loss if self._scale == 1.0 else loss * self._scale).backward()
        self.collect()

    def collect(self) -> None:
        """Take over the gradients of one backward pass."""
        if self.precision == "fp32":
            return
        for weight, master in zip(self._weights, self._master, strict=True):
            if weight.grad is not None:
                gradient = weight.grad.float()
                if self._scale != 1.0:
                    gradient.div_(self._scale)
                master.grad = gradient if master.grad is None else master.grad.add_(gradient)
                weight.grad = None

    def gradient_norm(self) -> float:
        """Length of the step's gradient, which is then shortened to the clipping length if it is longer."""
        limit = self._clip if self._clip > 0 else float("inf")
        return torch.nn.utils.clip_grad_norm_(self._master, limit).item()

    def overflowed(self, norm: float) -> bool:
        """Whether a gradient of this length comes of too large a scale; then forgets it, for a step with half of it.

        Once there is no scale left to blame, it does not, and the gradient is what it is.
        """
        if self._scale <= 1.0 or math.isfinite(norm):
            return False
        self._scale, self._good = self._scale / 2, 0
        self._optimizer.zero_grad(set_to_none=True)
        return True

    def update(self, rate: float) -> None:
        """Take one optimizer step and forget the gradients."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self._publish()
        if self.precision == "fp16":
            self._good += 1
            if self._good % PATIENCE == 0:
                self._scale = min(self._scale * 2, LARGEST_SCALE)

    def _publish(self) -> None:
        if self.precision in HALVES:
            with torch.no_grad():
                torch._foreach_copy_(self._weights, self._master)

    def weights(self) -> dict[str, Tensor]:
        """The fp32 trainable weights by name, shared ones once."""
        return {name: tensor.detach() for name, tensor in zip(self._names, self._master, strict=True)}

    def gradients(self) -> dict[str, Tensor]:
        """The fp32 gradient of the step, as it was clipped, by the name of its weight."""
        named = zip(self._names, self._master, strict=True)
        return {name: master.grad for name, master in named if master.grad is not None}

    def state(self) -> Iterator[tuple[str, Tensor]]:
        """Every tensor that decides how training goes on, by name: weights and both running means."""
        for name, master in zip(self._names, self._master, strict=True):
            yield f"weight/{name}", master.detach()
            for moment in ("exp_avg", "exp_avg_sq"):
                yield f"{moment}/{name}", self._optimizer.state[master][moment]
        if self.precision == "fp16":
            yield "scale", torch.tensor([self._scale, float(self._good)], dtype=torch.float64)

    def load(self, tensors: dict[str, Tensor], step: int) -> None:
        """Continue from the tensors of `state` after so many steps. Raises KeyError if one is missing.

        The states of another precision have no scale: it is then that of a beginning.
        """
        if self.precision == "fp16" and "scale" in tensors:
            scale, good = tensors["scale"].tolist()
            self._scale, self._good = scale, int(good)
        with torch.no_grad():
            for name, master in zip(self._names, self._master, strict=True):
                master.copy_(tensors[f"weight/{name}"])
                self._optimizer.state[master] = {
                    "step": torch.tensor(float(step), device=master.device),
                    "exp_avg": torch.empty_like(master).copy_(tensors[f"exp_avg/{name}"]),
                    "exp_avg_sq": torch.empty_like(master).copy_(tensors[f"exp_avg_sq/{name}"]),
                }
        self._publish()
