"""Attention as batched matrix products, once for transformers and once as a function of a whole self-attention.

torch's fused kernel is slow in the backward pass of bf16 on CPUs; written out, the same mathematics runs on the matrix
units and is deterministic. `attend` is registered with transformers under the name "vitrine"; its mask is causal and
aligned to the end, so that it also serves generation with cached keys. `SelfAttention` takes the projections as they
come and has its own backward pass, which copies nothing twice and leaves out half of what a causal mask would hide.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface

NAME = "vitrine"
STRIPE = 128
"""Queries that are taken together: under a causal mask no stripe is multiplied with keys that come after all of it."""


constant: Callable[[Callable[..., Tensor]], Callable[..., Tensor]] = torch.compiler.assume_constant_result
"""Compiled code keeps what such a function returns, in place of making it anew in every pass."""


@lru_cache(maxsize=16)
@constant
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
    if query.device.type == "cuda":
        sees = attention_mask is None and getattr(module, "is_causal", True)
        return fused(query, key, value, attention_mask, scaling, dropout, causal=sees), None
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


def fused(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    scaling: float | None,
    dropout: float,
    *,
    causal: bool,
) -> Tensor:
    """The same by torch's fused kernels, which are the fastest on a GPU; (batch, q, heads, width)."""
    queries, keys = query.shape[2], key.shape[2]
    if causal and 1 < queries < keys:  # the kernels align a causal mask to the beginning
        mask, causal = _future(queries, keys, query.dtype, query.device), False
    mixed = nn.functional.scaled_dot_product_attention(
        query,
        key,
        value,
        attn_mask=mask,
        dropout_p=dropout,
        is_causal=causal and queries > 1,
        scale=scaling,
        enable_gqa=query.shape[1] > key.shape[1],
    )
    return mixed.transpose(1, 2)


AttentionInterface.register(NAME, attend)

_KERNEL = "_softmax_backward_data"
softmax_backward: Callable[[Tensor, Tensor, int, torch.dtype], Tensor] = getattr(torch, _KERNEL)
"""(upstream, softmax, dimension, dtype): the gradient of a softmax in one pass; torch has no public name for it."""


@lru_cache(maxsize=16)
def _swap(width: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """(width, width): the matrix that exchanges the halves of a row; a product with it is the fastest way to do so."""
    return torch.eye(width, dtype=dtype, device=device).roll(width // 2, 0)


def _turn(x: Tensor, cosine: Tensor, crossed: Tensor) -> Tensor:
    """x cosine + swapped(x crossed), in place; x (heads, batch, block, width), factors (batch or 1, block, width)."""
    width = x.shape[-1]
    across = (x * crossed).view(-1, width)
    x.mul_(cosine).view(-1, width).addmm_(across, _swap(width, x.dtype, x.device))
    return x


class SelfAttention(torch.autograd.Function):
    """Self-attention from packed projections to mixed values, with rotary positions (Su et al., 2021) where given."""

    apply: Callable[[Tensor, tuple[Tensor, Tensor] | None, Tensor | None, int, int, float, bool], Tensor]

    @staticmethod
    def forward(
        ctx: Any,
        packed: Tensor,
        rotation: tuple[Tensor, Tensor] | None,
        mask: Tensor | None,
        heads: int,
        kv_heads: int,
        scale: float,
        causal: bool,
    ) -> Tensor:
        """packed (batch, block, (heads + 2 kv_heads) width): queries, keys, values; gives (batch, block, heads width).

        `rotation` is transformers' (cosine, sine), each (1 or batch, block, width); `mask` (batch, 1, block, block) is
        added to the scores and includes what is causal.
        """
        batch, block, _ = packed.shape
        width = packed.shape[-1] // (heads + 2 * kv_heads)
        parts = packed.view(batch, block, heads + 2 * kv_heads, width).permute(2, 0, 1, 3).contiguous()
        turned, value = parts[: heads + kv_heads], parts[heads + kv_heads :]
        if rotation is not None:
            cosine, sine = rotation
            low, high = sine.chunk(2, dim=-1)
            ctx.forth, ctx.back = torch.cat((high, -low), dim=-1), torch.cat((-low, high), dim=-1)
            ctx.cosine = cosine
            _turn(turned, cosine, ctx.forth)
        query, key = turned[:heads], turned[heads:]
        if heads > kv_heads:
            key, value = (part.repeat_interleave(heads // kv_heads, dim=0) for part in (key, value))
        query, key, value = (part.reshape(heads * batch, block, width) for part in (query, key, value))
        mixed: list[Tensor] = []
        kept: list[Tensor] = []
        future = _future(block, block, query.dtype, query.device) if causal and mask is None else None
        for rows, seen in _stripes(block, causal and mask is None):
            hidden = None
            if mask is not None:
                hidden = mask[:, 0, rows, seen].expand(heads, -1, -1, -1).reshape(heads * batch, -1, block)
            elif future is not None:
                hidden = future[rows, seen]
            scores = _scores(query[:, rows], key[:, seen], hidden, scale)
            kept.append(torch.softmax(scores, dim=-1))
            mixed.append(torch.bmm(kept[-1], value[:, seen]))
        ctx.save_for_backward(query, key, value, *kept)
        ctx.sizes, ctx.scale, ctx.causal = (batch, block, heads, kv_heads, width), scale, causal and mask is None
        ctx.rotated = rotation is not None
        whole = _joined(mixed).view(heads, batch, block, width)
        return whole.permute(1, 2, 0, 3).reshape(batch, block, heads * width)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        """The gradient of the packed projections; the steps of the forward pass backwards."""
        query, key, value, *kept = ctx.saved_tensors
        batch, block, heads, _, width = ctx.sizes
        d_mixed = upstream[0].view(batch, block, heads, width).permute(2, 0, 1, 3).reshape(query.shape)
        d_query: list[Tensor] = []
        d_key = d_value = query  # the last stripe, which comes first, sees all keys; the others add to it
        stripes = list(zip(_stripes(block, ctx.causal), kept, strict=True))
        for (rows, seen), weights in reversed(stripes):
            above = d_mixed[:, rows]
            slopes = torch.bmm(above, value[:, seen].transpose(1, 2))
            slopes = softmax_backward(slopes, weights, -1, weights.dtype)
            d_query.insert(0, torch.bmm(slopes, key[:, seen]))
            by_key, by_value = (
                torch.bmm(left.transpose(1, 2), right) for left, right in ((slopes, query[:, rows]), (weights, above))
            )
            if rows.stop == block:
                d_key, d_value = by_key, by_value
            else:
                d_key[:, seen] += by_key
                d_value[:, seen] += by_value
        return (_pack(ctx, _joined(d_query), d_key, d_value), *[None] * 6)


def _scores(query: Tensor, key: Tensor, hidden: Tensor | None, scale: float) -> Tensor:
    """query key^T scale + hidden, (heads batch, queries, keys)."""
    if hidden is None:
        return torch.bmm(query, key.transpose(1, 2)).mul_(scale)
    if torch.compiler.is_compiling():  # the softmax adds the mask in its own pass
        return torch.bmm(query, key.transpose(1, 2)).mul(scale).add(hidden)
    return torch.baddbmm(hidden, query, key.transpose(1, 2), alpha=scale)


def _stripes(block: int, causal: bool) -> Iterator[tuple[slice, slice]]:
    """Queries and the keys that they may see."""
    if not causal:
        yield slice(0, block), slice(0, block)
        return
    for start in range(0, block, STRIPE):
        stop = min(start + STRIPE, block)
        yield slice(start, stop), slice(0, stop)


def _joined(stripes: list[Tensor]) -> Tensor:
    """The queries of all stripes together."""
    return stripes[0] if len(stripes) == 1 else torch.cat(stripes, dim=1)


def _pack(ctx: Any, d_query: Tensor, d_key: Tensor, d_value: Tensor) -> Tensor:
    """Gradients of turned and scaled heads as the gradient of the packed projections."""
    batch, block, heads, kv_heads, width = ctx.sizes
    if heads > kv_heads:
        shape = (kv_heads, heads // kv_heads, batch, block, width)
        d_key, d_value = (part.view(shape).sum(1) for part in (d_key, d_value))
    every = torch.cat([part.reshape(-1, batch, block, width) for part in (d_query, d_key, d_value)])
    turned = every[: heads + kv_heads].mul_(ctx.scale)
    if ctx.rotated:
        _turn(turned, ctx.cosine, ctx.back)
    return every.permute(1, 2, 0, 3).reshape(batch, block, -1)
