"""Masked language modelling: an encoder learns to say which words were hidden in a text.

The run trains a WordPiece tokenizer on the corpus (or takes one from the library that has a mask), hides some of the
tokens of random crops, and fits a BERT to name them from both sides. With whole-word masking the parts of a word are
hidden together; with next-sentence pairs the network also learns to tell whether one text follows another.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from tokenizers import Tokenizer

from playground.domain.errors import BadInput
from playground.domain.estimate import estimate
from playground.domain.from_scratch import FromScratch, inputs, most_tokens, tokens_of
from playground.domain.kind import Batch, Data, Estimate, Facts, JobKind, Problem, Split, TokenIds, plain
from playground.domain.knobs import knob
from playground.domain.lm_batches import border, repetition, shortest
from playground.domain.masked_rows import ADDED, ROOMS, Rows, even_crops, framed, pairs, random_crops
from playground.domain.masking import Shares, hide, stream
from playground.domain.presets import Shape, feed_forward, table
from playground.domain.training import MAX_STEPS, PROMPT_CHARACTERS
from playground.domain.word_marks import SENTENCE, WORD, marks

NEEDED = {
    "mask": "This tokenizer has no mask token, which a masked model needs.",
    "pad": "This tokenizer has no padding token, which a masked model needs.",
}
"""Roles without which there is no masked model (what is hidden with, what fills up a batch), and what is then said."""
MANY_UNKNOWN = 0.01
"""Share of unknown tokens from which on it is said: they are neither hidden nor learned."""


class Params(FromScratch):
    """Everything that defines a masked-language-model run; empty dimensions are those of the preset."""

    mask_share: float = knob(0.15, "data", "Hidden share", "Share of the tokens that it has to say.", gt=0, le=0.9)
    masked: float = knob(0.8, "data", "Masked", "Share of the hidden tokens that [MASK] stands for.", ge=0, le=1)
    replaced: float = knob(0.1, "data", "Replaced", "Share of them that another, random token stands for.", ge=0, le=1)
    kept: float = knob(
        0.1,
        "data",
        "Left as they are",
        "Share of them that stay. The three add up to 1.",
        ge=0,
        le=1,
        validate_default=True,
    )
    whole_words: bool = knob(
        False, "data", "Whole words", "All parts of a word are hidden together; in Chinese, its characters."
    )
    next_sentence: bool = knob(
        False, "data", "Next sentence", "Two texts at once; the model also says whether the second follows the first."
    )
    steps: int | None = knob(
        1000, "budget", "Steps", "Number of updates. Give steps, minutes or tokens.", ge=1, le=MAX_STEPS
    )
    warmup_steps: int = knob(
        50, "optimizer", "Warm-up", "Steps in which the learning rate rises from zero.", "steps", ge=0, le=MAX_STEPS
    )
    learning_rate: float = knob(
        2e-3, "optimizer", "Learning rate", "Size of the largest update, reached after the warm-up.", gt=0, le=1e10
    )
    sample_prompt: str = knob(
        "",
        "evaluation",
        "Sample prompt",
        "A text with [MASK] where a word is missing; empty: a line of the held-out text.",
        max_length=PROMPT_CHARACTERS,
    )
    sample_tokens: int = knob(5, "evaluation", "Candidates", "Likeliest words that a sample shows.", ge=1, le=20)

    @field_validator("kept")
    @classmethod
    def _add_up(cls, kept: float, info: ValidationInfo) -> float:
        if {"masked", "replaced"} <= info.data.keys():
            total = info.data["masked"] + info.data["replaced"] + kept
            if abs(total - 1) > 1e-6:
                message = "Masked, replaced and left as they are must add up to 1; they are {total}."
                raise PydanticCustomError("shares", message, {"total": f"{total:.4g}"})
        return kept

    def shape(self, vocab_size: int | None = None) -> Shape:
        """Every dimension of the network; a tokenizer from the library brings its own vocabulary size."""
        size = self.size()
        return Shape(
            architecture="bert",
            n_layer=size.n_layer,
            n_head=size.n_head,
            n_kv_head=size.n_head,
            d_model=size.d_model,
            d_ff=self.d_ff or feed_forward("bert", size.d_model),
            vocab_size=vocab_size or self.vocab_size,
            block_size=self.block_size,
            tie=True,
            pairs=self.next_sentence,
        )


def _missing(params: Params, roles: set[str]) -> str | None:
    """Why a tokenizer with tokens of these roles cannot be used, or None where it can."""
    for role, complaint in NEEDED.items():
        if role not in roles:
            return complaint
    if params.next_sentence and not framed(roles):
        return "This tokenizer has no [CLS] and [SEP] tokens, which next-sentence pairs need."
    return None


def _estimate(params: Params, facts: Facts) -> Estimate:
    problems = []
    if most_tokens(facts) < shortest(params.block_size):
        message = f"The corpus is too short for blocks of {params.block_size} tokens: {facts.corpus_bytes} bytes."
        problems.append(Problem(field="block_size", message=message))
    missing = None if facts.tokenizer_special is None else _missing(params, set(facts.tokenizer_special))
    if missing is not None:
        problems.append(Problem(field="tokenizer", message=missing))
    shape = params.shape(facts.tokenizer_vocab)
    tokens = tokens_of(params, facts)
    return estimate(params, shape, params.dropout, facts, tokens, problems, params.held_out, params.mask_share)


def encode(pieces: list[str], first: int, tokenizer: Tokenizer, params: Params) -> dict[str, NDArray[Any]]:
    """Token ids, and where words and sentences begin if the masks need to know."""
    if not (params.whole_words or params.next_sentence):
        return plain(pieces, first, tokenizer, params)
    encodings = tokenizer.encode_batch(pieces, add_special_tokens=False)
    found = [marks(encoding, piece) for encoding, piece in zip(encodings, pieces, strict=True)]
    ids = [np.asarray(encoding.ids, dtype=np.uint32) for encoding in encodings]
    return {"tokens": np.concatenate(ids), "marks": np.concatenate(found)}


def arrange(data: Data, params: Params) -> Data:
    """Adds which tokens may be hidden, and where sentences begin. Raises BadInput for what gives no batch."""
    missing = _missing(params, set(data.special))
    if missing is not None:
        raise BadInput(missing, {"tokenizer": [missing]})
    total = len(data.tokens)
    cut = border(total, params.held_out, params.block_size)
    if params.next_sentence and min(cut, total - cut) < ROOMS * params.block_size:
        raise BadInput(
            f"The corpus is too short for pairs: its {total:,} tokens give {min(cut, total - cut):,} of one part, "
            f"and a block size of {params.block_size:,} needs at least {ROOMS * params.block_size:,} of each.",
            {"next_sentence": ["Too few tokens for this block size."]},
        )
    choosable = np.ones(data.vocab_size, dtype=np.bool_)
    choosable[list(data.special.values())] = False
    arrays = {**data.arrays, "choosable": choosable}
    if params.next_sentence:
        borders = np.flatnonzero(data.arrays["marks"] & SENTENCE)
        arrays |= {"train": borders[borders < cut], "held_out": borders[borders >= cut] - cut}
    return Data(data.tokens, data.vocab_size, data.special, arrays, (*data.notes, *_notes(data)))


def _notes(data: Data) -> list[str]:
    """What the owner of the run should know of the text."""
    notes = [*repetition(data.tokens)]
    unknown = float(np.mean(data.tokens == data.special["unk"])) if "unk" in data.special else 0.0
    if unknown > MANY_UNKNOWN:
        notes.append(
            f"{100 * unknown:.1f} % of the tokens are unknown to the tokenizer and cannot be learned: "
            "a larger vocabulary has more characters."
        )
    return notes


def batch(data: Data, params: Params, split: Split, step: int, micro: int) -> Batch | None:
    """Random crops, or random pairs, with hidden words; of the held-out part the same ones at every step."""
    cut = border(len(data.tokens), params.held_out, params.block_size)
    part = slice(cut, None) if split == "held_out" else slice(0, cut)
    dice = stream(params.seed, step, micro, held_out=split == "held_out")
    rows = _rows(data, data.tokens[part], params, split, micro, dice)
    if rows is None:
        return None
    begins = None
    if params.whole_words:
        begins = (rows.where == ADDED) | ((data.arrays["marks"][part][np.maximum(rows.where, 0)] & WORD) > 0)
    shares = Shares(params.mask_share, params.masked, params.replaced)
    hidden = hide(rows.tokens, data.arrays["choosable"], begins, shares, data.special["mask"], dice)
    return Batch(hidden.inputs, hidden.labels, rows.segments, answers=rows.answers, changes=hidden.changes)


def _rows(
    data: Data, tokens: TokenIds, params: Params, split: Split, micro: int, dice: np.random.Generator
) -> Rows | None:
    block, size, special = params.block_size, params.batch_size, data.special
    if params.next_sentence:
        batches = max(1, min(params.eval_batches, len(tokens) // (block * size)))
        over = split == "held_out" and micro >= batches
        return None if over else pairs(tokens, data.arrays[split], block, size, special, dice)
    if split == "held_out":
        return even_crops(tokens, block, size, special, micro, params.eval_batches)
    return random_crops(tokens, block, size, special, dice)


def aims(params: Params) -> dict[str, float]:
    """Which share of the words should be masked, replaced and kept."""
    shares = {"masked": params.masked, "replaced": params.replaced, "kept": params.kept}
    return {name: params.mask_share * share for name, share in shares.items()}


kind = JobKind(
    name="mlm",
    title="Masked model",
    summary="Teach a small BERT to say which words were hidden in a text, and let it fill in blanks afterwards.",
    Params=Params,
    objective="masked",
    attention="full",
    trains="all",
    inputs=inputs,
    estimate=_estimate,
    arrange=arrange,
    batch=batch,
    presets=table("bert"),
    tokenizer="wordpiece",
    encode=encode,
    encoding=lambda params: {"marks": params.whole_words or params.next_sentence},
    aims=aims,
)
