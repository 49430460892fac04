"""Attention that is looked at: the network computes as ever, and each layer's weights are kept beside it.

Training never asks for the weights, so our attention does not give them away. For the moment of a look the network is
switched to this form, which takes the weights in fp32 as transformers' own "eager" attention does, and mixes the values
as always.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface

from workers.engine import attention

NAME = "vitrine-watched"
_kept: list[Tensor] = []


def watch(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None = None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **more: Any,
) -> tuple[Tensor, None]:
    """`attend`, keeping its weights (batch, heads, q, k) in fp32."""
    heads, queries, width = query.shape[1:]
    every = key.float().repeat_interleave(heads // key.shape[1], dim=1)
    scores = query.float() @ every.transpose(2, 3) * (width**-0.5 if scaling is None else scaling)
    if attention_mask is not None:
        scores = scores + attention_mask.float()
    elif getattr(module, "is_causal", True):
        keys = every.shape[2]
        later = torch.ones(queries, keys, dtype=torch.bool, device=scores.device).triu(keys - queries + 1)
        scores = scores.masked_fill(later, float("-inf"))
    _kept.append(torch.softmax(scores, dim=-1))
    return attention.attend(module, query, key, value, attention_mask, scaling, dropout, **more)


AttentionInterface.register(NAME, watch)


@contextmanager
def watching(model: Any) -> Iterator[list[Tensor]]:
    """The attention weights of a model in evaluation mode gather in the list, layer by layer; then all is as before."""
    was_training = model.training
    model.eval()
    model.set_attn_implementation(NAME)
    _kept.clear()
    try:
        yield _kept
    finally:
        _kept.clear()
        model.set_attn_implementation(attention.NAME)
        model.train(was_training)
