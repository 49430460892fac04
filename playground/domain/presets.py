"""Model sizes by name, and exact parameter counts of the architectures.

The presets reach about the size in their names with a vocabulary of 2,048 and an embedding that is shared
with the output layer; widths are multiples of 64, so that every head has 32 or 64 dimensions and matrix units
run full. `Shape` holds every dimension, and `count` says how many parameters a model of that shape has,
to the last one: a test compares it with the built networks.
"""

from dataclasses import asdict, dataclass
from typing import Literal

Architecture = Literal["llama", "gpt2", "bert"]


@dataclass(frozen=True)
class Shape:
    """Every dimension of a transformer; `d_ff` is the inner width of its feed-forward blocks.

    `pairs` says whether a BERT also judges if one text follows another.
    """

    architecture: Architecture
    n_layer: int
    n_head: int
    n_kv_head: int
    d_model: int
    d_ff: int
    vocab_size: int
    block_size: int
    tie: bool
    pairs: bool = False

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
    """The usual inner width: 4 d; for Llama's three matrices 8/3 d, rounded up to a multiple of 32."""
    return -(-(8 * d_model) // 96) * 32 if architecture == "llama" else 4 * d_model


def count(shape: Shape) -> int:
    """Number of trainable parameters of a model of this shape, shared weights counted once."""
    embedding = shape.vocab_size * shape.d_model * (1 if shape.tie else 2)
    inside = position_parameters(shape) + shape.n_layer * layer_parameters(shape) + norm_parameters(shape)
    return embedding + inside + head_parameters(shape)


def multiplied(shape: Shape, asked: float = 1.0) -> int:
    """Parameters that a token is multiplied with, the mean: those of the head for the share of tokens asked for.

    Tables that a row is taken from cost nothing.
    """
    head = shape.vocab_size * shape.d_model + head_parameters(shape)
    return round(shape.n_layer * layer_parameters(shape) + norm_parameters(shape) + asked * head)


def layer_parameters(shape: Shape) -> int:
    """Parameters of one block: attention, feed-forward, two normalizations; Llama has no biases, the others have."""
    d, ff = shape.d_model, shape.d_ff
    if shape.architecture != "llama":
        return (4 * d * d + 4 * d) + (2 * d * ff + ff + d) + 2 * norm_parameters(shape)
    key_value = shape.n_kv_head * shape.d_head
    return (2 * d * d + 2 * d * key_value) + 3 * d * ff + 2 * norm_parameters(shape)


def position_parameters(shape: Shape) -> int:
    """GPT-2 and BERT learn a vector for each position, BERT also one for each of two segments; Llama rotates."""
    learned = {"llama": 0, "gpt2": shape.block_size, "bert": shape.block_size + 2}
    return learned[shape.architecture] * shape.d_model


def norm_parameters(shape: Shape) -> int:
    """LayerNorm (GPT-2, BERT) has a scale and a shift, RMSNorm (Llama) a scale only."""
    return shape.d_model if shape.architecture == "llama" else 2 * shape.d_model


def head_parameters(shape: Shape) -> int:
    """BERT's head: a layer before the vocabulary and a bias for each token; for pairs a pooler and two classes."""
    d = shape.d_model
    if shape.architecture != "bert":
        return 0
    pairs = (d * d + d) + (2 * d + 2) if shape.pairs else 0
    return (d * d + d) + norm_parameters(shape) + shape.vocab_size + pairs


def table(architecture: Architecture = "llama") -> dict[str, dict[str, int]]:
    """The presets with their parameter counts at a vocabulary of 2,048, for the catalogue."""
    rows = {}
    for name, preset in PRESETS.items():
        shape = Shape(
            architecture=architecture,
            n_kv_head=preset.n_head,
            d_ff=feed_forward(architecture, preset.d_model),
            vocab_size=2048,
            block_size=128,
            tie=True,
            **asdict(preset),
        )
        rows[name] = {**asdict(preset), "d_ff": shape.d_ff, "parameters": count(shape)}
    return rows
