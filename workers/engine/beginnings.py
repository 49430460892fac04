"""With which weights a masked model begins, so that a small one learns from context within minutes.

Begun with small random weights everywhere, a small BERT learns for thousands of steps how frequent each word is and
nothing else: where a word is hidden, attention to its neighbours pays only once their vectors mean something there,
and these come to mean something only once there is attention. Three initial values break this up. All are ordinary
weights afterwards, and training changes them as it likes.

The output layer's bias begins at the logarithm of each token's frequency. Embeddings begin with a length of about one,
so that the first updates do not drown them: a part of the dimensions with positions as sines and cosines (Vaswani et
al., 2017), the rest with words. And heads begin by looking at a neighbour, each at another distance (Zheng et al.,
2024, begin the attention of image models so), which turning those sines and cosines does.
"""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from playground.domain.kind import Data
from playground.domain.lm_batches import border

OFFSETS = (-1, 1, -2, 2)
"""At which neighbour each head of a layer looks first."""
LAYERS = 4
"""How many layers begin so, the first ones."""
SHARPNESS = 12.0
"""Score of that neighbour, in the first layer: it has three quarters of a head's attention."""
SMOOTHING = 0.1
"""Added to the count of each token, so that one that does not occur is only unlikely."""
COUNTED = 2**22
"""Tokens that are counted; of a longer text, evenly many."""


@torch.no_grad()
def begin(model: Any, data: Data, params: Any) -> None:
    """Give a fresh BERT these weights, a function of its shape, the text without its held-out end, and the seed."""
    tokens = data.tokens[: border(len(data.tokens), params.held_out, params.block_size)]
    few = np.asarray(tokens[:: -(-len(tokens) // COUNTED)])
    counts = torch.from_numpy(np.bincount(few, minlength=model.config.vocab_size) + SMOOTHING).float()
    model.cls.predictions.decoder.bias.copy_((counts / counts.sum()).log())
    table = model.bert.embeddings
    words, places = table.word_embeddings.weight, table.position_embeddings.weight
    length, width = places.shape
    heads = model.config.num_attention_heads
    dice = torch.Generator(device=words.device).manual_seed(params.seed)
    placed = min(width // heads, width // 4) // 2 * 2
    scale = width**-0.5
    words.normal_(0, scale, generator=dice)
    words[:, :placed] = 0
    if table.word_embeddings.padding_idx is not None:
        words[table.word_embeddings.padding_idx] = 0
    table.token_type_embeddings.weight[0] = 0
    places.zero_()
    places[:, :placed] = waves(torch.arange(length), placed, length).to(places) * scale * math.sqrt(2)
    for layer in model.bert.encoder.layer[:LAYERS]:
        _look_around(layer.attention, placed, length, heads, scale, dice)


def _look_around(attention: Any, placed: int, length: int, heads: int, scale: float, dice: torch.Generator) -> None:
    """Heads that attend to a neighbour and write at random what word stands there beside what is there already."""
    own, out = attention.self, attention.output.dense.weight
    size = own.query.weight.shape[0] // heads
    loud = math.sqrt(SHARPNESS * math.sqrt(size) / max(1, placed))
    for head in range(heads):
        rows = slice(head * size, head * size + placed)
        own.query.weight[rows, :placed] += loud * torch.eye(placed).to(out)
        own.key.weight[rows, :placed] += loud * turned(placed, length, OFFSETS[head % len(OFFSETS)]).to(out)
    own.value.weight.normal_(0, scale, generator=dice)
    own.value.weight[:, :placed] = 0
    out.normal_(0, scale, generator=dice)
    out[:placed] = 0


def _speeds(placed: int, length: int) -> Tensor:
    """(placed / 2,): angle by which each pair turns from one position to the next, from half a turn downwards."""
    pairs = placed // 2
    return math.pi * torch.exp(-torch.arange(pairs) / max(1, pairs - 1) * math.log(max(2.0, length / 2)))


def waves(positions: Tensor, placed: int, length: int) -> Tensor:
    """(positions, placed): sine and cosine of each pair's angle."""
    angles = positions[:, None] * _speeds(placed, length)
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(1)


def turned(placed: int, length: int, offset: int) -> Tensor:
    """(placed, placed): the matrix that takes the waves of a position to those of the one `offset` before it."""
    angles = _speeds(placed, length) * offset
    matrix = torch.zeros(placed, placed)
    even = torch.arange(0, placed, 2)
    matrix[even, even] = matrix[even + 1, even + 1] = angles.cos()
    matrix[even, even + 1], matrix[even + 1, even] = -angles.sin(), angles.sin()
    return matrix
