"""How strongly each layer is pulled and moved by one step: the lengths of its gradient, its update and its weights.

The update divided by the weights is the figure to watch: about a thousandth a step is usual, and a layer that moves far
less learns nothing, one that moves far more forgets.
"""

import re
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

_BLOCK = re.compile(r"(?:^|\.)(?:layers?|h|blocks?)\.(\d+)\.")
_EMBEDDING = re.compile(r"embed|wte|wpe")
EMBEDDING, HEAD = "embedding", "head"


def layer_of(name: str) -> str:
    """Where a weight belongs: the number of its block, the embedding before the blocks, or the head after them."""
    block = _BLOCK.search(name)
    if block is not None:
        return block.group(1)
    return EMBEDDING if _EMBEDDING.search(name) else HEAD


def ordered(names: Iterable[str]) -> list[str]:
    """The layers that occur, from the input to the output."""
    found = {layer_of(name) for name in names}
    blocks = sorted((layer for layer in found if layer.isdigit()), key=int)
    return [*([EMBEDDING] if EMBEDDING in found else []), *blocks, *([HEAD] if HEAD in found else [])]


def lengths(tensors: Mapping[str, Tensor]) -> dict[str, float]:
    """The Euclidean length of all tensors of each layer together."""
    if not tensors:
        return {}
    squares: dict[str, float] = {}
    norms: list[float] = torch.stack([torch.linalg.vector_norm(tensor) for tensor in tensors.values()]).tolist()
    for name, norm in zip(tensors, norms, strict=True):
        layer = layer_of(name)
        squares[layer] = squares.get(layer, 0.0) + norm**2
    return {layer: square**0.5 for layer, square in squares.items()}
