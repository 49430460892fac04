"""Number formats, and the optimizer that makes training in bf16 exact enough.

With bf16, the network computes in 16 bits throughout, while a master copy of its weights in fp32 takes the updates:
a step of a thousandth of a weight would vanish in the 8 bits of a bf16 mantissa. This is twice as fast as mixed
precision on CPUs with matrix units, and learns the same (the losses agree to about 0.5 %).

fp16 has more digits and a smaller range: gradients would vanish below 6e-8. The loss is therefore multiplied before the
way back, as far as its gradients stay finite (Micikevicius et al., 2018), and the gradients divided in fp32.
"""

import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from transformers.modeling_utils import PreTrainedModel

from playground.domain.errors import BadInput
from playground.domain.estimate import NO_FP16, Precision
from playground.domain.training import Training
from workers.engine.flat import Layout, length
from workers.engine.lean import lean

HALVES = {"bf16": torch.bfloat16, "fp16": torch.float16}
MEANS = ("exp_avg", "exp_avg_sq")
"""AdamW's running means of a gradient and of its square, by the names that torch gives them."""
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

    The weights lie side by side in one array, as do their gradients and the optimizer's means: clipping, the update and
    the way back into 16 bits are one operation each, however many weights there are. Weights that are frozen
    (`requires_grad` is off) are kept in the precision of the arithmetic alone.
    """

    def __init__(self, model: PreTrainedModel, params: Training, precision: Precision) -> None:
        self.model = model
        self.precision = precision
        if model.device.type == "cpu":
            lean(model)
        if params.gradient_checkpointing:
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        self._clip = params.clip
        self._scale, self._good = FIRST_SCALE if precision == "fp16" else 1.0, 0
        weights = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
        # Matrices come first: vectors are not decayed.
        names = sorted(weights, key=lambda name: weights[name].ndim < 2)
        layout = Layout({name: weights[name].shape for name in names})
        self._master, self.gradient, *means = (layout.zeros(torch.float32, model.device) for _ in range(4))
        self._masters, self._gradients = layout.views(self._master), layout.views(self.gradient)
        for name, weight in weights.items():
            self._masters[name].copy_(weight.detach())
        if precision == "bf16":
            model.bfloat16()
        elif precision == "fp16":
            nn.Module.half(model)
        halves = HALVES.get(precision)
        self._working = self._master if halves is None else layout.zeros(halves, model.device)
        for name, working in layout.views(self._working).items():
            weights[name].data = working
            weights[name].register_post_accumulate_grad_hook(partial(self._gather, self._gradients[name]))
        self._publish()
        self._means = dict(zip(MEANS, map(layout.views, means), strict=True))
        self._steps: list[Tensor] = []
        border = layout.start(sum(weight.ndim >= 2 for weight in weights.values()))
        self._optimizer = self._adamw(params, means, border)

    def _adamw(self, params: Training, means: list[Tensor], border: int) -> torch.optim.Optimizer:
        """The optimizer of the flat arrays; weights from `border` on do not decay."""
        groups: list[dict[str, Any]] = []
        for part, decay in ((slice(border), params.weight_decay), (slice(border, None), 0.0)):
            if len(self._master[part]):
                groups.append({"params": [nn.Parameter(self._master[part])], "weight_decay": decay, "part": part})
        optimizer = torch.optim.AdamW(groups, lr=0.0, betas=(params.beta1, params.beta2), fused=True)
        for group in optimizer.param_groups:
            (weight,), part = group["params"], group["part"]
            weight.grad = self.gradient[part]
            self._steps.append(torch.zeros((), device=weight.device))
            own = {name: mean[part] for name, mean in zip(MEANS, means, strict=True)}
            optimizer.state[weight] = {"step": self._steps[-1], **own}
        return optimizer

    def _gather(self, gradient: Tensor, weight: Tensor) -> None:
        """Add the gradient of one weight to those of the step, which are kept in fp32, as soon as it is known."""
        if weight.grad is not None:
            gradient.add_(weight.grad, alpha=1.0 / self._scale)
            weight.grad = None

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of a summand of the loss to those of the step."""
        (loss if self._scale == 1.0 else loss * self._scale).backward()

    def forget(self) -> None:
        """Drop the gradients of the step."""
        self.gradient.zero_()

    def gradient_norm(self) -> float:
        """Length of the step's gradient, which is then shortened to the clipping length if it is longer."""
        norm = length(self.gradient).item()
        if 0 < self._clip < norm < math.inf:
            self.gradient.mul_(self._clip / norm)
        return norm

    def overflowed(self, norm: float) -> bool:
        """Whether a gradient of this length comes of too large a scale; then forgets it, for a step with half of it.

        Once there is no scale left to blame, it does not, and the gradient is what it is.
        """
        if self._scale <= 1.0 or math.isfinite(norm):
            return False
        self._scale, self._good = self._scale / 2, 0
        self.forget()
        return True

    def update(self, rate: float) -> None:
        """Take one optimizer step and forget the gradients."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.step()
        self.forget()
        self._publish()
        if self.precision == "fp16":
            self._good += 1
            if self._good % PATIENCE == 0:
                self._scale = min(self._scale * 2, LARGEST_SCALE)

    def _publish(self) -> None:
        if self._working is not self._master:
            self._working.copy_(self._master)

    def weights(self) -> dict[str, Tensor]:
        """The fp32 trainable weights by name, shared ones once."""
        return self._masters

    def gradients(self) -> dict[str, Tensor]:
        """The fp32 gradient of the step, as it was clipped, by the name of its weight."""
        return self._gradients

    def state(self) -> Iterator[tuple[str, Tensor]]:
        """Every tensor that decides how training goes on, by name: weights and both running means."""
        for name, master in self._masters.items():
            yield f"weight/{name}", master
            for mean, views in self._means.items():
                yield f"{mean}/{name}", views[name]
        if self.precision == "fp16":
            yield "scale", torch.tensor([self._scale, float(self._good)], dtype=torch.float64)

    def load(self, tensors: dict[str, Tensor], step: int) -> None:
        """Continue from the tensors of `state` after so many steps. Raises KeyError if one is missing.

        The states of another precision have no scale: it is then that of a beginning.
        """
        if self.precision == "fp16" and "scale" in tensors:
            scale, good = tensors["scale"].tolist()
            self._scale, self._good = scale, int(good)
        for name, master in self._masters.items():
            master.copy_(tensors[f"weight/{name}"])
            for mean, views in self._means.items():
                views[name].copy_(tensors[f"{mean}/{name}"])
        for taken in self._steps:
            taken.fill_(step)
        self._publish()
