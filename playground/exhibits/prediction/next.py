"""What comes next? A language model has one answer to every text: a probability for each token of its vocabulary.

Read a text as the model does, from left to right. At every position it has seen only what stands before, and it
spreads its expectation over all tokens. The bars show the likeliest ones; their probabilities, with those of the
thousands not shown, add up to one.

How unsure is it? The entropy of the distribution, in bits, says how many yes-or-no questions it would take on average
to find the next token. In the middle of a word it is often near zero; at the beginning of a sentence it is large.

How surprised was it? The surprisal of the token that really follows is the negative logarithm of its probability: a
token that was expected with probability one half costs one bit, one with a thousandth costs ten. The mean over a text
is the cross-entropy loss that training minimizes, and two to its power is the perplexity.

Notice where the surprise falls: at names, at rare words, and where a sentence could have ended but did not.
"""

import math

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from playground.domain.errors import BadInput
from playground.domain.exhibit import Exhibit, LanguageModel
from playground.domain.knobs import Knobs

MAX_CHARACTERS = 1_000
"""Keeps the answer within a few hundred kilobytes, whatever the tokenizer."""
MAX_TOP = 20


class Params(Knobs):
    """The text to read, and how many of the likeliest tokens to name at each position."""

    text: str = Field("To be, or not to be", title="Text", min_length=1, max_length=MAX_CHARACTERS)
    top: int = Field(10, title="Likeliest tokens", ge=1, le=MAX_TOP)


class Piece(BaseModel):
    """One token of the text: character offsets, and how it was expected; the first has nothing before it."""

    model_config = ConfigDict(extra="forbid")

    id: int
    text: str
    start: int
    end: int
    special: bool
    surprisal: float | None
    rank: int | None


class Expectation(BaseModel):
    """What the model expects after a token: the entropy in bits, and the likeliest tokens in order."""

    model_config = ConfigDict(extra="forbid")

    entropy: float
    ids: list[int]
    texts: list[str]
    probabilities: list[float]


class Result(BaseModel):
    """The text token by token, what was expected after each, and the mean surprisal in bits (None for one token)."""

    model_config = ConfigDict(extra="forbid")

    tokens: list[Piece]
    expectations: list[Expectation]
    mean_surprisal: float | None
    perplexity: float | None


def run(params: Params, model: LanguageModel) -> Result:
    """Expectation i is what follows token i; the surprisal of token i comes from expectation i - 1."""
    tokens = model.tokens(params.text)
    if not tokens:
        raise BadInput("The text has no tokens.", {"text": ["The text has no tokens."]})
    log_p = model.next_log_probabilities([token.id for token in tokens]).astype(np.float64)
    p = np.exp(log_p)
    entropies = -(p * np.where(p > 0, log_p, 0)).sum(axis=1) / math.log(2)
    expectations = []
    for row, entropy in zip(p, entropies, strict=True):
        best = np.argsort(-row, kind="stable")[: params.top].tolist()
        expectations.append(
            Expectation(
                entropy=round(float(entropy), 4),
                ids=best,
                texts=[model.token_text(index) for index in best],
                probabilities=[round(float(row[index]), 6) for index in best],
            )
        )
    surprisals = [-log_p[i - 1, token.id] / math.log(2) for i, token in enumerate(tokens) if i]
    ranks = [int((log_p[i - 1] > log_p[i - 1, token.id]).sum()) + 1 for i, token in enumerate(tokens) if i]
    pieces = [
        Piece(
            id=token.id,
            text=token.text,
            start=token.start,
            end=token.end,
            special=token.special,
            surprisal=round(float(surprisals[i - 1]), 4) if i else None,
            rank=ranks[i - 1] if i else None,
        )
        for i, token in enumerate(tokens)
    ]
    mean = float(np.mean(surprisals)) if surprisals else None
    return Result(
        tokens=pieces,
        expectations=expectations,
        mean_surprisal=None if mean is None else round(mean, 4),
        perplexity=None if mean is None else round(2**mean, 3),
    )


exhibit = Exhibit(
    title="What comes next?",
    summary="The model's expectation at every position of a text, and its surprise at what follows.",
    run=run,
)
