"""Model sizes by name, and exact parameter counts of the two decoder architectures.

The presets reach about the size in their names with a vocabulary of 2,048 and an embedding that is shared
with the output layer; widths are multiples of 64, so that every head has 32 or 64 dimensions and matrix units
run full. `Shape` holds every dimension, and `count` says how many parameters a model of that shape has,
to the last one: a test compares it with the built networks.
"""

from dataclasses import asdict, dataclass
from typing import Literal

Architecture = Literal["llama", "gpt2"]


@dataclass(frozen=True)
class Shape:
    """Every dimension of a decoder-only transformer; `d_ff` is the inner width of its feed-forward blocks."""

    architecture: Architecture
    n_layer: int
    n_head: int
    n_kv_head: int
    d_model: int
    d_ff: int
    vocab_size: int
    block_size: int
    tie: bool

    @property
    def d_head(self) -> int:
        return self.d_model // self.n_head


@dataclass(frozen=True)
class Preset:
    """Depth, heads and width of a named size."""

    n_layer: int
    n_head: int
    d_model: int


PRESETS = {
    "200k": Preset(n_layer=2, n_head=2, d_model=64),
    "1m": Preset(n_layer=4, n_head=4, d_model=128),
    "10m": Preset(n_layer=8, n_head=5, d_model=320),
    "50m": Preset(n_layer=12, n_head=9, d_model=576),
    "124m": Preset(n_layer=17, n_head=12, d_model=768),
}


def feed_forward(architecture: Architecture, d_model: int) -> int:
    """The usual inner width: 4 d for GPT-2; for Llama's three matrices 8/3 d, rounded up to a multiple of 32."""
    if architecture == "gpt2":
        return 4 * d_model
    return -(-(8 * d_model) // 96) * 32


def count(shape: Shape) -> int:
    """Number of trainable parameters of a model of this shape, shared weights counted once."""
    embedding = shape.vocab_size * shape.d_model * (1 if shape.tie else 2)
    return embedding + position_parameters(shape) + shape.n_layer * layer_parameters(shape) + norm_parameters(shape)


def layer_parameters(shape: Shape) -> int:
    """Parameters of one block: attention, feed-forward, two normalizations; GPT-2 has biases, Llama has none."""
    d, ff = shape.d_model, shape.d_ff
    if shape.architecture == "gpt2":
        return (4 * d * d + 4 * d) + (2 * d * ff + ff + d) + 2 * norm_parameters(shape)
    key_value = shape.n_kv_head * shape.d_head
    return (2 * d * d + 2 * d * key_value) + 3 * d * ff + 2 * norm_parameters(shape)


def position_parameters(shape: Shape) -> int:
    """GPT-2 learns a vector for each position; Llama rotates queries and keys, which has no parameters."""
    return shape.block_size * shape.d_model if shape.architecture == "gpt2" else 0


def norm_parameters(shape: Shape) -> int:
    """LayerNorm (GPT-2) has a scale and a shift, RMSNorm (Llama) a scale only."""
    return 2 * shape.d_model if shape.architecture == "gpt2" else shape.d_model


def table() -> dict[str, dict[str, int]]:
    """The presets with their parameter counts (Llama-style, vocabulary 2,048), for the catalogue."""
    rows = {}
    for name, preset in PRESETS.items():
        shape = Shape(
            architecture="llama",
            n_kv_head=preset.n_head,
            d_ff=feed_forward("llama", preset.d_model),
            vocab_size=2048,
            block_size=128,
            tie=True,
            **asdict(preset),
        )
        rows[name] = {**asdict(preset), "d_ff": shape.d_ff, "parameters": count(shape)}
    return rows
