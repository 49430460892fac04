"""Causal language modelling: a decoder learns to predict each next token of a text.

The run trains a byte-level BPE tokenizer on the corpus (or takes one from the library), cuts the text into
random crops, and fits a Llama-style or GPT-2-style transformer to predict every token from those before it.
The end of the corpus is held out, and the loss on it tells learning from learning by heart.
"""

from dataclasses import replace
from typing import Literal, Self

from pydantic import ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from playground.domain.estimate import estimate
from playground.domain.from_scratch import FromScratch, inputs, most_tokens, preset_of, tokens_of
from playground.domain.kind import Batch, Data, Estimate, Facts, JobKind, Problem, Split
from playground.domain.knobs import knob
from playground.domain.lm_batches import border, crops, repetition, shortest, spaced
from playground.domain.presets import Shape, feed_forward, table


class Params(FromScratch):
    """Everything that defines a language-model run; empty dimensions are those of the preset."""

    architecture: Literal["llama", "gpt2"] = knob(
        "llama", "model", "Architecture", "Llama: rotary positions, RMSNorm, gated units. GPT-2: the classic."
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
    tie: bool = knob(True, "model", "Tied embeddings", "Input and output layers share one table of token vectors.")

    @field_validator("n_kv_head")
    @classmethod
    def _shared_evenly(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and {"n_head", "preset"} <= info.data.keys():
            heads = info.data["n_head"] or preset_of(info).n_head
            if info.data.get("architecture") == "gpt2" and value != heads:
                raise PydanticCustomError("shape", "GPT-2 has as many key-value heads as heads.")
            if heads % value:
                raise PydanticCustomError(
                    "shape", "{heads} heads cannot share {value} evenly.", {"heads": heads, "value": value}
                )
        return value

    @model_validator(mode="after")
    def _rotary_positions_turn_pairs(self) -> Self:
        size = self.size()
        if self.architecture == "llama" and (size.d_model // size.n_head) % 2:
            message = "Rotary positions need an even width per head: {width} / {heads} is odd."
            kind = PydanticCustomError("shape", message, {"heads": size.n_head, "width": size.d_model})
            raise ValidationError.from_exception_data(
                "Params", [InitErrorDetails(type=kind, loc=("n_head",), input=self.n_head)]
            )
        return self

    def shape(self, vocab_size: int | None = None) -> Shape:
        """Every dimension of the network; a tokenizer from the library brings its own vocabulary size."""
        size = self.size()
        return Shape(
            architecture=self.architecture,
            n_layer=size.n_layer,
            n_head=size.n_head,
            n_kv_head=self.n_kv_head or size.n_head,
            d_model=size.d_model,
            d_ff=self.d_ff or feed_forward(self.architecture, size.d_model),
            vocab_size=vocab_size or self.vocab_size,
            block_size=self.block_size,
            tie=self.tie,
        )


def _estimate(params: Params, facts: Facts) -> Estimate:
    problems = []
    tokens = tokens_of(params, facts)
    if most_tokens(facts) < shortest(params.block_size):
        message = f"The corpus is too short for blocks of {params.block_size} tokens: {facts.corpus_bytes} bytes."
        problems.append(Problem(field="block_size", message=message))
    shape = params.shape(facts.tokenizer_vocab)
    return estimate(params, shape, params.dropout, facts, tokens, problems, params.held_out)


def arrange(data: Data, params: Params) -> Data:
    """The data as they are, with a note where they repeat. Raises BadInput for a text too short for two blocks."""
    border(len(data.tokens), params.held_out, params.block_size)
    return replace(data, notes=(*data.notes, *repetition(data.tokens)))


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
