"""Causal language modelling: a decoder learns to predict each next token of a text.

The run trains a byte-level BPE tokenizer on the corpus (or takes one from the library), cuts the text into
random crops, and fits a Llama-style or GPT-2-style transformer to predict every token from those before it.
The end of the corpus is held out, and the loss on it tells learning from learning by heart.
"""

import math
from typing import Literal

from pydantic import ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from playground.domain.estimate import estimate
from playground.domain.kind import Batch, Data, Estimate, Facts, JobKind, Problem, Split
from playground.domain.knobs import knob
from playground.domain.lm_batches import border, crops, shortest, spaced
from playground.domain.presets import PRESETS, Preset, Shape, feed_forward, table
from playground.domain.training import Training

UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
MIN_VOCAB = 258
"""256 bytes, the end-of-text token and one merge."""
MAX_VOCAB = 65_536
"""Token ids are stored in 16 bits; larger vocabularies come with a library tokenizer only."""


class Params(Training):
    """Everything that defines a language-model run; empty dimensions are those of the preset."""

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
    architecture: Literal["llama", "gpt2"] = knob(
        "llama", "model", "Architecture", "Llama: rotary positions, RMSNorm, gated units. GPT-2: the classic."
    )
    n_layer: int | None = knob(None, "model", "Layers", "Transformer blocks.", ge=1, le=96, validate_default=True)
    d_model: int | None = knob(
        None, "model", "Width", "Length of the vector of each token.", ge=8, le=8192, validate_default=True
    )
    n_head: int | None = knob(
        None, "model", "Heads", "Attention heads; they share the width evenly.", ge=1, le=128, validate_default=True
    )
    n_kv_head: int | None = knob(
        None,
        "model",
        "Key-value heads",
        "Fewer than heads: several heads share keys and values (Llama only).",
        ge=1,
        le=128,
        validate_default=True,
    )
    d_ff: int | None = knob(
        None, "model", "Inner width", "Width inside the feed-forward blocks; empty: the usual one.", ge=8, le=32768
    )
    dropout: float = knob(0.0, "model", "Dropout", "Share of activations that are zeroed while training.", ge=0, le=0.9)
    tie: bool = knob(True, "model", "Tied embeddings", "Input and output layers share one table of token vectors.")

    @field_validator("n_layer", "d_model", "n_head")
    @classmethod
    def _given_or_named(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is None and "preset" in info.data and info.data["preset"] is None:
            raise PydanticCustomError("shape", "Needed, as no size is named.")
        if info.field_name == "n_head" and {"preset", "d_model"} <= info.data.keys():
            _check_heads(value or _preset(info).n_head, info.data["d_model"] or _preset(info).d_model, info)
        return value

    @field_validator("n_kv_head")
    @classmethod
    def _shared_evenly(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and "n_head" in info.data and "preset" in info.data:
            heads = info.data["n_head"] or _preset(info).n_head
            if info.data.get("architecture") == "gpt2" and value != heads:
                raise PydanticCustomError("shape", "GPT-2 has as many key-value heads as heads.")
            if heads % value:
                raise PydanticCustomError(
                    "shape", "{heads} heads cannot share {value} evenly.", {"heads": heads, "value": value}
                )
        return value

    def shape(self, vocab_size: int | None = None) -> Shape:
        """Every dimension of the network; a tokenizer from the library brings its own vocabulary size."""
        preset = PRESETS[self.preset] if self.preset else Preset(0, 0, 0)
        width = self.d_model or preset.d_model
        heads = self.n_head or preset.n_head
        return Shape(
            architecture=self.architecture,
            n_layer=self.n_layer or preset.n_layer,
            n_head=heads,
            n_kv_head=self.n_kv_head or heads,
            d_model=width,
            d_ff=self.d_ff or feed_forward(self.architecture, width),
            vocab_size=vocab_size or self.vocab_size,
            block_size=self.block_size,
            tie=self.tie,
        )


def _preset(info: ValidationInfo) -> Preset:
    return PRESETS[info.data["preset"]]


def _check_heads(heads: int, width: int, info: ValidationInfo) -> None:
    said = {"heads": heads, "width": width}
    if width % heads:
        raise PydanticCustomError("shape", "A width of {width} cannot be shared evenly by {heads} heads.", said)
    if info.data.get("architecture") == "llama" and (width // heads) % 2:
        raise PydanticCustomError(
            "shape", "Rotary positions need an even width per head: {width} / {heads} is odd.", said
        )


def inputs(params: Params) -> dict[str, str]:
    """Role and id of each library artifact that the run reads."""
    roles = {"corpus": params.corpus}
    return roles if params.tokenizer is None else {**roles, "tokenizer": params.tokenizer}


def _tokens(params: Params, facts: Facts) -> int:
    """Tokens of the corpus; where unknown, by the usual bytes per token of a BPE of that size on its own text."""
    if facts.corpus_tokens is not None:
        return facts.corpus_tokens
    vocabulary = facts.tokenizer_vocab or params.vocab_size
    return round(facts.corpus_bytes / max(1.0, 0.4 * math.log2(vocabulary) - 1.55))


def _estimate(params: Params, facts: Facts) -> Estimate:
    problems = []
    tokens = _tokens(params, facts)
    certain = facts.corpus_bytes if facts.corpus_tokens is None else facts.corpus_tokens
    if certain < shortest(params.block_size):
        message = f"The corpus is too short for blocks of {params.block_size} tokens: {facts.corpus_bytes} bytes."
        problems.append(Problem(field="block_size", message=message))
    return estimate(params, params.shape(facts.tokenizer_vocab), params.dropout, facts, tokens, problems)


def arrange(data: Data, params: Params) -> Data:
    """The data as they are. Raises BadInput for a text that is too short for two blocks."""
    border(len(data.tokens), params.held_out, params.block_size)
    return data


def batch(data: Data, params: Params, split: Split, step: int, micro: int) -> Batch | None:
    """Crops of the training part, or the fixed blocks of the held-out part (`micro` counts them; None at the end)."""
    tokens = data.tokens
    cut = border(len(tokens), params.held_out, params.block_size)
    if split == "held_out":
        return spaced(tokens[cut:], params.block_size, params.batch_size, index=micro, batches=params.eval_batches)
    return crops(tokens[:cut], params.block_size, params.batch_size, seed=params.seed, step=step, micro=micro)


kind = JobKind(
    name="clm",
    title="Language model",
    summary="Teach a small GPT to continue a text, token by token, and talk to it afterwards.",
    Params=Params,
    objective="next_token",
    attention="causal",
    trains="all",
    inputs=inputs,
    estimate=_estimate,
    arrange=arrange,
    batch=batch,
    presets=table(),
)
