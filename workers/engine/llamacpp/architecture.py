"""What llama.cpp needs to know of a network besides its weights: its family, its dimensions, the names of its tensors.

Names come from the `gguf` package's own tables. What llama.cpp computes otherwise than transformers would is refused
here, in words, rather than written into a file that answers wrongly.
"""

from collections.abc import Callable
from typing import Any

import torch
from gguf import MODEL_ARCH, MODEL_ARCH_NAMES, GGUFWriter, RopeScalingType, get_tensor_name_map
from torch import Tensor
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from playground.domain.errors import BadInput

FAMILIES = {
    "gpt2": MODEL_ARCH.GPT2,
    "llama": MODEL_ARCH.LLAMA,
    "mistral": MODEL_ARCH.LLAMA,
    "qwen2": MODEL_ARCH.QWEN2,
    "qwen3": MODEL_ARCH.QWEN3,
}
"""transformers' model types that can be written, by llama.cpp's family; Mistral is a Llama with a window."""

ACTIVATIONS = {"gpt2": ("gelu_new", "gelu_pytorch_tanh")}
"""What llama.cpp computes between the two matrices of a block; all families but these have SiLU."""

TRANSPOSED = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")
"""GPT-2's matrices are stored input by output; llama.cpp multiplies the other way round."""

BUFFERS = (".attn.bias", ".attn.masked_bias", ".rotary_emb.inv_freq")
"""Constants that old files have among the weights."""


def refusal(reason: str) -> BadInput:
    """The error for a model that cannot be written."""
    return BadInput(f"This model cannot become a GGUF file: {reason}.", {"format": [reason]}, code="no_such_form")


class Architecture:
    """A network in llama.cpp's terms, from its transformers configuration. Raises BadInput for one it does not know."""

    def __init__(self, config: Any) -> None:
        self.config = config
        self.type: str = config.model_type
        if self.type not in FAMILIES:
            raise refusal(f"llama.cpp or this export does not know the architecture {self.type}")
        self.family = FAMILIES[self.type]
        self.heads: int = config.num_attention_heads
        self.key_heads: int = getattr(config, "num_key_value_heads", None) or self.heads
        self.head_width: int = getattr(config, "head_dim", None) or config.hidden_size // self.heads
        self._names = get_tensor_name_map(self.family, config.num_hidden_layers)
        self._check()

    @property
    def name(self) -> str:
        """What llama.cpp calls the family."""
        return MODEL_ARCH_NAMES[self.family]

    def _check(self) -> None:
        config = self.config
        activation = getattr(config, "hidden_act", None) or getattr(config, "activation_function", None)
        if activation not in ACTIVATIONS.get(self.type, ("silu", "swish")):
            raise refusal(f"llama.cpp has no {self.type} with the activation function {activation}")
        scales = getattr(config, "scale_attn_weights", True), getattr(config, "scale_attn_by_inverse_layer_idx", False)
        if scales != (True, False):
            raise refusal("llama.cpp does not scale attention as this model does")
        if self.type == "gpt2":
            return
        window = getattr(config, "sliding_window", None)
        if window is not None and window < config.max_position_embeddings:
            raise refusal("llama.cpp does not limit attention to a window in this family")
        rope = self._rope()
        if rope.get("rope_type", "default") not in ("default", "linear", "llama3"):
            raise refusal(f"its rotary positions are scaled in a way that is not written here: {rope['rope_type']}")

    def _rope(self) -> dict[str, Any]:
        return getattr(self.config, "rope_parameters", None) or {}

    def describe(self, writer: GGUFWriter) -> None:
        """Write the dimensions."""
        config = self.config
        writer.add_context_length(config.max_position_embeddings)
        writer.add_embedding_length(config.hidden_size)
        writer.add_block_count(config.num_hidden_layers)
        writer.add_head_count(self.heads)
        writer.add_vocab_size(config.vocab_size)
        if self.type == "gpt2":
            writer.add_feed_forward_length(config.n_inner or 4 * config.n_embd)
            writer.add_layer_norm_eps(config.layer_norm_epsilon)
            return
        writer.add_feed_forward_length(config.intermediate_size)
        writer.add_head_count_kv(self.key_heads)
        writer.add_key_length(self.head_width)
        writer.add_value_length(self.head_width)
        writer.add_layer_norm_rms_eps(config.rms_norm_eps)
        writer.add_rope_dimension_count(self.head_width)
        rope = self._rope()
        writer.add_rope_freq_base(float(rope.get("rope_theta", 10_000.0)))
        if rope.get("rope_type") == "linear":
            writer.add_rope_scaling_type(RopeScalingType.LINEAR)
            writer.add_rope_scaling_factor(float(rope["factor"]))

    def besides(self) -> dict[str, Tensor]:
        """Tensors that transformers computes when it opens a model: by how much Llama 3 slows each rotation."""
        rope = self._rope()
        if self.type == "gpt2" or rope.get("rope_type") != "llama3":
            return {}
        slowed, _ = ROPE_INIT_FUNCTIONS["llama3"](self.config, torch.device("cpu"))
        usual = rope["rope_theta"] ** -(torch.arange(0, self.head_width, 2).float() / self.head_width)
        return {"rope_freqs.weight": usual / slowed}

    def rename(self, name: str) -> str | None:
        """llama.cpp's name of a tensor; None for one that it does not want. Raises BadInput for a stranger."""
        if name.endswith(BUFFERS) or (name == "lm_head.weight" and self.config.tie_word_embeddings):
            return None
        prefix = "transformer." if self.type == "gpt2" else "model."
        whole = name if name.startswith((prefix, "lm_head.")) else prefix + name
        found = self._names.get_name(whole, try_suffixes=(".weight", ".bias"))
        if found is None:
            raise refusal(f"it has a tensor that llama.cpp has no name for: {name[:120]}")
        return found

    def arrange(self, name: str) -> Callable[[Tensor], Tensor]:
        """How the values of a tensor (by transformers' name) are put into llama.cpp's order."""
        if self.type == "gpt2" and name.endswith(TRANSPOSED):
            return torch.t
        if self.family == MODEL_ARCH.LLAMA and ".self_attn.q_proj." in name:
            return lambda tensor: interleaved(tensor, self.heads)
        if self.family == MODEL_ARCH.LLAMA and ".self_attn.k_proj." in name:
            return lambda tensor: interleaved(tensor, self.key_heads)
        return lambda tensor: tensor


def interleaved(tensor: Tensor, heads: int) -> Tensor:
    """(heads * width, ...): rows of queries or keys, so that llama.cpp's rotation turns the same pairs.

    transformers rotates dimension i of a head with i + width/2, llama.cpp's Llama 2i with 2i + 1.
    """
    halves = tensor.reshape(heads, 2, tensor.shape[0] // heads // 2, *tensor.shape[1:])
    return halves.swapaxes(1, 2).reshape(tensor.shape)
