"""Attention as two batched matrix products, registered with transformers under the name "vitrine".

torch's fused kernel is slow in the backward pass of bf16 on CPUs; written out, the same mathematics runs on the
matrix units and is deterministic. The mask is causal and aligned to the end, so that it also serves generation with
cached keys.
"""

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface

NAME = "vitrine"


@lru_cache(maxsize=16)
def _future(queries: int, keys: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """(queries, keys): 0 where a query may look, minus infinity at keys that come after it."""
    return torch.full((queries, keys), float("-inf"), dtype=dtype, device=device).triu(keys - queries + 1)


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None = None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attention of query (batch, heads, q, width) over keys and values (batch, kv heads, k, width).

    `attention_mask` is added to the scores, (batch, 1, q, k); without one, a causal module sees nothing that comes
    later, and any other sees everything.
    """
    batch, heads, queries, width = query.shape
    keys, groups = key.shape[2], heads // key.shape[1]
    if groups > 1:
        key, value = (part.repeat_interleave(groups, dim=1) for part in (key, value))
    rows = query.reshape(batch * heads, queries, width)
    columns = key.reshape(batch * heads, keys, width).transpose(1, 2)
    scale = width**-0.5 if scaling is None else scaling
    if attention_mask is not None:
        hidden = attention_mask.expand(batch, heads, queries, keys).reshape(batch * heads, queries, keys)
        scores = torch.baddbmm(hidden, rows, columns, alpha=scale)
    elif getattr(module, "is_causal", True):
        scores = torch.baddbmm(_future(queries, keys, query.dtype, query.device), rows, columns, alpha=scale)
    else:
        scores = torch.bmm(rows * scale, columns)
    weights = nn.functional.dropout(torch.softmax(scores, dim=-1), dropout, training=dropout > 0)
    mixed = torch.bmm(weights, value.reshape(batch * heads, keys, width))
    return mixed.view(batch, heads, queries, width).transpose(1, 2), None


AttentionInterface.register(NAME, attend)
