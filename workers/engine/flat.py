"""Many tensors side by side in one: what is done to all of them is then one operation in place of one for each."""

from collections.abc import Mapping
from itertools import accumulate

import torch
from torch import Tensor

ROW = 1024
"""Every tensor begins at a multiple of so many numbers: where vector instructions are fastest, in whichever type."""


class Layout:
    """Where in a flat array each of several tensors lies, in the order of their names; what is between them is zero."""

    def __init__(self, shapes: Mapping[str, torch.Size]) -> None:
        self._shapes = dict(shapes)
        self._sizes = [-(-shape.numel() // ROW) * ROW for shape in self._shapes.values()]

    def zeros(self, dtype: torch.dtype, device: torch.device) -> Tensor:
        """A flat array with room for all, (length,)."""
        return torch.zeros(sum(self._sizes), dtype=dtype, device=device)

    def views(self, flat: Tensor) -> dict[str, Tensor]:
        """Each tensor by its name, as a part of the flat array."""
        parts = zip(self._shapes.items(), flat.split(self._sizes), strict=True)
        return {name: part[: shape.numel()].view(shape) for (name, shape), part in parts}

    def start(self, index: int) -> int:
        """Where the tensor at a place in the order begins, or the array ends where there are no more."""
        return [0, *accumulate(self._sizes)][index]


def length(flat: Tensor) -> Tensor:
    """Euclidean length of a flat array with a multiple of ROW numbers, row by row so that long ones stay exact."""
    whole: Tensor = torch.linalg.vector_norm(torch.linalg.vector_norm(flat.view(-1, ROW), dim=1))
    return whole
