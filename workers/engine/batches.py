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
    """A batch on its device, with the fields of `Batch`; `learned` counts labels, `tokens` what is no padding.

    Of a part of a batch these are the numbers of the whole, and `share` is how many labels the part has, in terms of
    what an equal part would have: with it, the mean over all parts of share times mean loss is that of the whole.
    """

    inputs: Tensor
    labels: Tensor
    segments: Tensor | None
    documents: Tensor | None
    positions: Tensor | None
    answers: Tensor | None
    learned: int
    tokens: int
    share: float = 1.0


def tensors(batch: Batch, device: torch.device, part: int = 0, of: int = 1) -> Tensors:
    """Move a batch to a device, or one of so many equal parts of its rows, counted from 0."""
    rows = slice(len(batch.inputs) * part // of, len(batch.inputs) * (part + 1) // of)
    learned, mine = (int((labels != IGNORED).sum()) for labels in (batch.labels, batch.labels[rows]))

    def there(array: NDArray[np.int64] | None) -> Tensor | None:
        return None if array is None else torch.from_numpy(array[rows]).to(device)

    return Tensors(
        inputs=torch.from_numpy(batch.inputs[rows]).to(device),
        labels=torch.from_numpy(batch.labels[rows]).to(device),
        segments=there(batch.segments),
        documents=there(batch.documents),
        positions=there(batch.positions),
        answers=there(batch.answers),
        learned=learned,
        tokens=batch.inputs.size if batch.documents is None else int((batch.documents >= 0).sum()),
        share=mine * of / learned if learned else 1.0,
    )


def visible(documents: Tensor, dtype: torch.dtype, *, causal: bool) -> Tensor:
    """(batch, 1, block, block): 0 where a position may look, the dtype's least value elsewhere.

    A position sees those of its own document; padding sees padding, so that no row of weights is undefined.
    """
    same = documents[:, :, None] == documents[:, None, :]
    if causal:
        same = same.tril()
    return torch.where(same, 0.0, torch.finfo(dtype).min).to(dtype)[:, None]
