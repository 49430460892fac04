"""The parameters of every run that makes a new network: its text, its tokenizer, its size.

A kind's `Params` derives from `FromScratch` and adds what is its own. Dimensions that are left empty are those of the
named size.
"""

import math
from typing import Literal

from pydantic import ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from playground.domain.kind import Facts
from playground.domain.knobs import knob
from playground.domain.presets import PRESETS, Preset
from playground.domain.training import Training

UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
MIN_VOCAB = 258
"""256 bytes, the end-of-text token and one merge."""
MAX_VOCAB = 65_536
"""Token ids are stored in 16 bits; larger vocabularies come with a library tokenizer only."""


class FromScratch(Training):
    """A text, a tokenizer and the dimensions of a transformer, on top of what every training has."""

    corpus: str = knob(..., "data", "Corpus", "The text to learn.", pattern=UUID)
    tokenizer: str | None = knob(
        None, "data", "Tokenizer", "One from the library; empty: a new one is trained on the corpus.", pattern=UUID
    )
    vocab_size: int = knob(
        2048, "data", "Vocabulary", "Size of the new tokenizer's vocabulary.", "tokens", ge=MIN_VOCAB, le=MAX_VOCAB
    )
    block_size: int = knob(128, "data", "Block size", "Tokens that the model sees at once.", "tokens", ge=8, le=8192)
    held_out: float = knob(
        0.1, "data", "Held-out share", "End of the corpus that is kept for validation.", ge=0.001, le=0.5
    )
    preset: Literal["200k", "1m", "10m", "50m", "124m"] | None = knob(
        "1m", "model", "Size", "A model size by name; empty: every dimension by hand."
    )
    n_layer: int | None = knob(None, "model", "Layers", "Transformer blocks.", ge=1, le=96, validate_default=True)
    d_model: int | None = knob(
        None, "model", "Width", "Length of the vector of each token.", ge=8, le=8192, validate_default=True
    )
    n_head: int | None = knob(
        None, "model", "Heads", "Attention heads; they share the width evenly.", ge=1, le=128, validate_default=True
    )
    d_ff: int | None = knob(
        None, "model", "Inner width", "Width inside the feed-forward blocks; empty: the usual one.", ge=8, le=32768
    )
    dropout: float = knob(0.0, "model", "Dropout", "Share of activations that are zeroed while training.", ge=0, le=0.9)

    @field_validator("n_layer", "d_model", "n_head")
    @classmethod
    def _given_or_named(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is None and "preset" in info.data and info.data["preset"] is None:
            raise PydanticCustomError("shape", "Needed, as no size is named.")
        if info.field_name == "n_head" and {"preset", "d_model"} <= info.data.keys():
            heads, width = value or preset_of(info).n_head, info.data["d_model"] or preset_of(info).d_model
            if width % heads:
                message = "A width of {width} cannot be shared evenly by {heads} heads."
                raise PydanticCustomError("shape", message, {"heads": heads, "width": width})
        return value

    def size(self) -> Preset:
        """Depth, heads and width: those given by hand, else those of the named size."""
        named = PRESETS[self.preset] if self.preset else Preset(0, 0, 0)
        return Preset(self.n_layer or named.n_layer, self.n_head or named.n_head, self.d_model or named.d_model)


def preset_of(info: ValidationInfo) -> Preset:
    """The named size of parameters that are being validated."""
    return PRESETS[info.data["preset"]]


def inputs(params: FromScratch) -> dict[str, str]:
    """Role and id of each library artifact that the run reads."""
    roles = {"corpus": params.corpus}
    return roles if params.tokenizer is None else {**roles, "tokenizer": params.tokenizer}


def tokens_of(params: FromScratch, facts: Facts) -> int:
    """Tokens of the corpus; where unknown, by the usual bytes per token of a BPE of that size on its own text."""
    if facts.corpus_tokens is not None:
        return facts.corpus_tokens
    vocabulary = facts.tokenizer_vocab or params.vocab_size
    return round(facts.corpus_bytes / max(1.0, 0.4 * math.log2(vocabulary) - 1.55))


def most_tokens(facts: Facts) -> int:
    """A number that the corpus' tokens surely do not exceed: their count where known, else its bytes."""
    return facts.corpus_bytes if facts.corpus_tokens is None else facts.corpus_tokens
