"""Batches as tensors on the device, and the attention mask that follows from them."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from playground.domain.kind import Batch

IGNORED = -100
"""Label of a position that is not learned from."""


@dataclass(frozen=True)
class Tensors:
    """A batch on its device, with the fields of `Batch`; `learned` counts labels, `tokens` what is no padding."""

    inputs: Tensor
    labels: Tensor
    segments: Tensor | None
    documents: Tensor | None
    positions: Tensor | None
    answers: Tensor | None
    learned: int
    tokens: int


def tensors(batch: Batch, device: torch.device) -> Tensors:
    """Move a batch to a device."""

    def there(part: NDArray[np.int64] | None) -> Tensor | None:
        return None if part is None else torch.from_numpy(part).to(device)

    return Tensors(
        inputs=torch.from_numpy(batch.inputs).to(device),
        labels=torch.from_numpy(batch.labels).to(device),
        segments=there(batch.segments),
        documents=there(batch.documents),
        positions=there(batch.positions),
        answers=there(batch.answers),
        learned=int((batch.labels != IGNORED).sum()),
        tokens=batch.inputs.size if batch.documents is None else int((batch.documents >= 0).sum()),
    )


def visible(documents: Tensor, dtype: torch.dtype, *, causal: bool) -> Tensor:
    """(batch, 1, block, block): 0 where a position may look, the dtype's least value elsewhere.

    A position sees those of its own document; padding sees padding, so that no row of weights is undefined.
    """
    same = documents[:, :, None] == documents[:, None, :]
    if causal:
        same = same.tril()
    return torch.where(same, 0.0, torch.finfo(dtype).min).to(dtype)[:, None]
