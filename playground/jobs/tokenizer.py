"""A tokenizer for a large text: learned once, kept in the library, and used by every training kind.

The run reads the text, learns a vocabulary of the wanted size with a fast library (byte-level BPE, WordPiece as BERT
has it, or Unigram), and then measures on text that it has not read how many bytes a token stands for, with ever more
of the vocabulary. There is no network and no training loop.
"""

from typing import Any, Literal

from playground.domain.kind import Batch, Data, Estimate, Facts, JobKind, Memory, Problem, Split
from playground.domain.knobs import Knobs, knob

UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
MIN_VOCAB, MAX_VOCAB = 320, 262_144
"""256 bytes, the special tokens and some merges; as many as the largest vocabularies in use have."""
SHORTEST = 200
"""Bytes of text below which there is nothing to learn from and nothing to measure on."""
STEPS = 100
"""The run counts its work in hundredths: most are the reading, the last ones the measuring."""
PROCESS_BYTES = 420 << 20
WORDS_BYTES = {"bpe": 14, "wordpiece": 16, "unigram": 24}
"""Memory for each byte of text, measured with texts of few repeated words (Chinese without spaces is one)."""
BYTES_PER_SECOND = {"bpe": 2_000_000, "wordpiece": 600_000, "unigram": 700_000}
"""Measured on one core of 2026; to say beforehand whether it is a matter of seconds or of minutes."""


class Params(Knobs):
    """Which text, which algorithm, how many tokens."""

    corpus: str = knob(..., "data", "Corpus", "The text to learn from.", pattern=UUID)
    algorithm: Literal["bpe", "wordpiece", "unigram"] = knob(
        "bpe",
        "data",
        "Algorithm",
        "BPE merges frequent pairs, WordPiece is BERT's, Unigram keeps likely pieces.",
    )
    vocab_size: int = knob(
        8192, "data", "Vocabulary", "Size of the new vocabulary, special tokens included.", "tokens",
        ge=MIN_VOCAB, le=MAX_VOCAB,
    )  # fmt: skip
    text_limit: int = knob(
        64,
        "data",
        "Read at most",
        "Of a larger text parts are taken evenly.",
        "MiB",
        ge=1,
        le=1024,
    )
    masks: bool = knob(
        True,
        "data",
        "For masked models, too",
        "BPE gets the special tokens of masked models; others have them.",
    )


def inputs(params: Params) -> dict[str, str]:
    """Role and id of each library artifact that the run reads."""
    return {"corpus": params.corpus}


def _estimate(params: Params, facts: Facts) -> Estimate:
    read = min(facts.corpus_bytes, params.text_limit << 20)
    problems = []
    if facts.corpus_bytes < SHORTEST:
        message = f"The corpus is too short for a tokenizer: {facts.corpus_bytes} bytes."
        problems.append(Problem(field="corpus", message=message))
    words = WORDS_BYTES[params.algorithm] * read
    total = PROCESS_BYTES + words
    available = facts.memory_available
    if available is not None and total > available:
        need, have = total / 2**30, available / 2**30
        message = f"Needs {need:.1f} GiB of memory and there are {have:.1f} GiB: read less of the text."
        problems.append(Problem(field="text_limit", message=message))
    return Estimate(
        parameters=0,
        tokens_per_step=0,
        steps=STEPS,
        tokens=None,
        passes=None,
        flops=None,
        memory=Memory(weights=0, gradients=0, optimizer=0, activations=0, logits=0, other=total, total=total,
                      available=available),
        seconds=1 + read / BYTES_PER_SECOND[params.algorithm],
        precision="fp32",
        fits=not problems,
        problems=problems,
    )  # fmt: skip


def no_batch(data: Data, params: Any, split: Split, step: int, micro: int) -> Batch | None:
    """There is nothing to feed to a network."""
    return None


kind = JobKind(
    name="tokenizer",
    title="Tokenizer",
    summary="Learn a vocabulary from a text, small or large, for any model that is trained later.",
    Params=Params,
    work="vocabulary",
    objective="",
    attention="causal",
    trains="all",
    inputs=inputs,
    estimate=_estimate,
    batch=no_batch,
)
