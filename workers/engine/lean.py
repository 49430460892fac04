"""Leaner layers for transformers' networks: the same weights under the same names, the same numbers, fewer passes.

transformers writes normalization, rotation and activation out in many elementwise steps, each of which reads and writes
the whole array, in bf16 with copies in fp32 between them. On a CPU these passes take longer than the matrix products.
Here each is one function with a backward pass of its own. A module is changed by giving it a subclass of its own class,
so that its parameters, their names and whatever wraps it (such as an adapter) stay as they are.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from transformers.activations import NewGELUActivation
from transformers.models.bert.modeling_bert import BertSelfAttention
from transformers.models.gpt2.modeling_gpt2 import GPT2Attention
from transformers.models.llama.modeling_llama import LlamaAttention, LlamaRMSNorm
from transformers.models.mistral.modeling_mistral import MistralRMSNorm
from transformers.models.qwen2.modeling_qwen2 import Qwen2Attention, Qwen2RMSNorm
from transformers.models.qwen3.modeling_qwen3 import Qwen3RMSNorm
from transformers.pytorch_utils import Conv1D

from workers.engine.attention import SelfAttention


class Normalize(torch.autograd.Function):
    """RMSNorm (Zhang and Sennrich, 2019): x / sqrt(mean(x^2) + eps) * weight, over the last dimension."""

    apply: Callable[[Tensor, Tensor, float], Tensor]

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        """x (..., width), weight (width,); the sum of squares is taken in fp32."""
        length = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.float32)
        scale = length.square_().div_(x.shape[-1]).add_(eps).rsqrt_().to(x.dtype)
        unit = x * scale
        ctx.save_for_backward(unit, scale, weight)
        normalized: Tensor = unit * weight
        return normalized

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, Tensor | None, None]:
        """dx = scale (g w - unit mean(g w unit)); the weight gets the sum of g unit over all positions."""
        unit, scale, weight = ctx.saved_tensors
        width = unit.shape[-1]
        both = upstream[0] * unit
        along = torch.mv(both.reshape(-1, width), weight / -width).view(scale.shape)
        d_x = (upstream[0] * weight).addcmul_(unit, along).mul_(scale)
        return d_x, both.reshape(-1, width).sum(0) if ctx.needs_input_grad[1] else None, None


class LeanNorm(nn.Module):
    """RMSNorm in three passes forward and six backward."""

    weight: Tensor
    variance_epsilon: float

    def forward(self, hidden_states: Tensor) -> Tensor:
        """The same shape, normalized."""
        return Normalize.apply(hidden_states, self.weight, self.variance_epsilon)


class SigmoidGELU(torch.autograd.Function):
    """GELU by its tanh form, in terms of a sigmoid: (1 + tanh u) / 2 = sigmoid(2 u), which needs a third of the time.

    Only where it is compiled, so that all of it is one pass each way.
    """

    apply: Callable[[Tensor], Tensor]

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """x s with s = sigmoid(2 u(x)) and u = sqrt(2 / pi) (x + 0.044715 x^3), computed in fp32.

        What is kept is the derivative, s + x s (1 - s) 2 u'(x), in place of x, since the sigmoid is at hand here. It is
        stacked with the values because the compiler would otherwise rather keep x and compute it again.
        """
        exact, twice = x.float(), 2 * (2 / math.pi) ** 0.5
        square = 0.044715 * exact * exact
        share = torch.sigmoid(twice * exact * (1 + square))
        slope = share + exact * share * (1 - share) * (twice * (1 + 3 * square))
        both = torch.stack([(exact * share).to(x.dtype), slope.to(x.dtype)])
        ctx.save_for_backward(both[1])
        return both[0]

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> Tensor:
        """The derivative times what comes from above."""
        gradient: Tensor = upstream[0] * ctx.saved_tensors[0]
        return gradient


class LeanGELU(nn.Module):
    """GELU by its tanh form, which transformers writes out in eight steps."""

    def forward(self, input: Tensor) -> Tensor:
        """The same shape."""
        if torch.compiler.is_compiling():
            return SigmoidGELU.apply(input)
        return nn.functional.gelu(input, approximate="tanh")


class LeanConv1D(nn.Module):
    """GPT-2's linear layer, whose weight lies the other way round."""

    weight: Tensor
    bias: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) to (..., outputs).

        Where it is compiled, the bias is added in fp32 apart from the product, so that whatever comes next does it in
        its own pass; together with the product it would first be copied to every row.
        """
        if not torch.compiler.is_compiling():
            plain: Tensor = super().forward(x)
            return plain
        product = torch.mm(x.reshape(-1, x.shape[-1]), self.weight).view(*x.shape[:-1], -1)
        return (product.float() + self.bias.float()).to(x.dtype)


def _usable(module: Any, dropout: float, x: Tensor) -> bool:
    """Whether the function for a whole self-attention fits: on a CPU, while gradients are taken, without dropout."""
    return x.device.type == "cpu" and torch.is_grad_enabled() and not (module.training and dropout > 0)


def _together(x: Tensor, *projections: Any) -> Tensor:
    """Several projections side by side, in one product where none of them is wrapped by an adapter."""
    if all(type(projection) is nn.Linear for projection in projections):
        weight = torch.cat([projection.weight for projection in projections])
        biases = [projection.bias for projection in projections]
        return nn.functional.linear(x, weight, None if biases[0] is None else torch.cat(biases))
    return torch.cat([projection(x) for projection in projections], dim=-1)


class LeanLlamaAttention(nn.Module):
    """Attention with rotary positions, of Llama and its relatives."""

    def forward(
        self: Any,
        hidden_states: Tensor,
        position_embeddings: tuple[Tensor, Tensor] | None = None,
        attention_mask: Tensor | None = None,
        past_key_values: Any = None,
        **others: Any,
    ) -> tuple[Tensor, Any]:
        """(batch, block, width) mixed over the block."""
        if past_key_values is not None or not _usable(self, self.attention_dropout, hidden_states):
            found: tuple[Tensor, Any] = super().forward(
                hidden_states, position_embeddings, attention_mask, past_key_values, **others
            )
            return found
        packed = _together(hidden_states, self.q_proj, self.k_proj, self.v_proj)
        kv_heads = self.config.num_key_value_heads
        heads = kv_heads * self.num_key_value_groups
        mixed = SelfAttention.apply(packed, position_embeddings, attention_mask, heads, kv_heads, self.scaling, True)
        return self.o_proj(mixed), None


class LeanGPT2Attention(nn.Module):
    """Attention of GPT-2, whose three projections are one."""

    def forward(
        self: Any, hidden_states: Tensor, past_key_values: Any = None, attention_mask: Any = None, **others: Any
    ) -> tuple[Tensor, Any]:
        """(batch, block, width) mixed over the block."""
        if past_key_values is not None or not _usable(self, self.attn_dropout.p, hidden_states):
            found: tuple[Tensor, Any] = super().forward(
                hidden_states, past_key_values=past_key_values, attention_mask=attention_mask, **others
            )
            return found
        packed, heads = self.c_attn(hidden_states), self.num_heads
        mixed = SelfAttention.apply(packed, None, attention_mask, heads, heads, self.scaling, True)
        return self.resid_dropout(self.c_proj(mixed)), None


class LeanBertAttention(nn.Module):
    """Attention of BERT, in which every position sees every other."""

    def forward(self: Any, hidden_states: Tensor, attention_mask: Any = None, **others: Any) -> tuple[Tensor, Any]:
        """(batch, block, width) mixed over the block."""
        if not _usable(self, self.dropout.p, hidden_states):
            found: tuple[Tensor, Any] = super().forward(hidden_states, attention_mask, **others)
            return found
        packed, heads = _together(hidden_states, self.query, self.key, self.value), self.num_attention_heads
        return SelfAttention.apply(packed, None, attention_mask, heads, heads, self.scaling, False), None


def _subclass(lean: type[nn.Module], original: type[nn.Module]) -> type[nn.Module]:
    return type(f"Lean{original.__name__}", (lean, original), {})


_FORMS: list[tuple[type[nn.Module], list[type[nn.Module]]]] = [
    (LeanNorm, [LlamaRMSNorm, MistralRMSNorm, Qwen2RMSNorm, Qwen3RMSNorm]),
    (LeanGELU, [NewGELUActivation]),
    (LeanConv1D, [Conv1D]),
    (LeanLlamaAttention, [LlamaAttention, Qwen2Attention]),
    (LeanGPT2Attention, [GPT2Attention]),
    (LeanBertAttention, [BertSelfAttention]),
]
LEAN = {original: _subclass(form, original) for form, originals in _FORMS for original in originals}
"""The leaner form of each class that has one."""


def lean(model: nn.Module) -> None:
    """Give every layer of a network that has a leaner form that form."""
    for module in model.modules():
        module.__class__ = LEAN.get(type(module), type(module))
