"""What does a new word do to a trained model? Its vocabulary grows by one token and its tables by one row, here in a
model of your library, and the same text is read again: once in the old pieces, once with the new token.

Is it worse? The loss of the whole text, in bits, is the fair measure, since the number of tokens differs. A word that
the model could spell piece by piece is lost to it at first. A word that surprised it at every piece now surprises it
once, and the loss may even fall.

Where does the loss rise? At the new token, which the model has never been asked to predict; and behind it, because what
follows was learned behind the old pieces. Compare the beginnings: the mean of the pieces' rows, random numbers, zeros.

Notice that the numbers of the new row say it before the loss does: what it lies close to is what the model takes it
for. A few hundred steps of training on texts with the word would move it to where it belongs.
"""

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from playground.domain.arrays import pack
from playground.domain.errors import BadInput
from playground.domain.exhibit import Exhibit, GrowingModel
from playground.domain.knobs import Knobs

EXAMPLE = "By the old mill lived Ada, the photographer. Every morning the photographer went to the mill with her cat."
WIDTH = 24
"""Numbers of a row that are shown: of hundreds, the first ones."""
NEAREST = 6


class Params(Knobs):
    """The word, a text with it, and how its row begins."""

    text: str = Field(EXAMPLE, title="Text", min_length=1, max_length=1_000)
    word: str = Field("photographer", title="New word", min_length=1, max_length=100)
    start: Literal["mean", "random", "zero"] = Field("mean", title="The new row begins as")
    seed: int = Field(1, title="Seed", ge=0, le=2**31)


class Read(BaseModel):
    """A token as it was read; `bits` is the surprise at it, None for the first. `new`: it is the new token."""

    id: int
    text: str
    bits: float | None
    new: bool


class Neighbour(BaseModel):
    """A token of the vocabulary and the cosine of its row with the new one."""

    id: int
    text: str
    cosine: float


class Result(BaseModel):
    """The text in both readings; `rows` is (pieces + 1, shown numbers), the new row last, of `width` numbers each.

    `bits_before`, `bits_after`: the loss of the whole text but its first token; `spread`: deviation of the table.
    """

    before: list[Read]
    after: list[Read]
    bits_before: float
    bits_after: float
    bytes: int
    id: int
    width: int
    was: list[str]
    rows: dict[str, str]
    spread: float
    closeness: list[float]
    nearest: list[Neighbour]


def run(params: Params, model: GrowingModel) -> Result:
    """Read the text twice. Raises BadInput for a word that is not in the text, or is one token already."""
    pieces = model.tokens(params.word)
    if params.word not in params.text:
        raise BadInput("The word is not in the text.", {"word": ["The word is not in the text."]})
    if len(pieces) < 2:
        raise BadInput("The vocabulary has this word already.", {"word": ["The vocabulary has this word already."]})
    new = model.vocab_size
    tokens = model.tokens(params.text)
    old = [(token.id, token.text) for token in tokens]
    grown = _grown(params, model, new)
    ids = [piece.id for piece in pieces]
    inner, outer = (_start(rows, params) for rows in model.rows(ids))
    table = model.rows(range(new))[0]
    row = inner.astype(np.float64)
    before = _read(old, model.next_log_probabilities([id for id, _ in old]), new)
    after = _read(grown, model.grown_log_probabilities([id for id, _ in grown], inner, outer), new)
    own = table[ids].astype(np.float64)
    cosines = _cosines(table.astype(np.float64), row)
    best = np.argsort(-cosines, kind="stable")[:NEAREST].tolist() if row.any() else []
    return Result(
        before=before,
        after=after,
        bits_before=_total(before),
        bits_after=_total(after),
        bytes=len(params.text.encode()),
        id=new,
        width=table.shape[1],
        was=[piece.text or piece.bytes.hex(" ").upper() for piece in pieces],
        rows=pack(np.vstack([own, row])[:, :WIDTH].astype(np.float32)),
        spread=round(float(table.std()), 6),
        closeness=[round(float(value), 4) for value in _cosines(own, row)],
        nearest=[Neighbour(id=k, text=model.token_text(k), cosine=round(float(cosines[k]), 4)) for k in best],
    )


def _grown(params: Params, model: GrowingModel, new: int) -> list[tuple[int, str]]:
    """The text as libraries cut it with an added word: it is taken out first, the rest is cut as before."""
    found: list[tuple[int, str]] = []
    for number, part in enumerate(params.text.split(params.word)):
        if number:
            found.append((new, params.word))
        found += [(token.id, token.text) for token in model.tokens(part)] if part else []
    return found


def _start(rows: NDArray[np.float32], params: Params) -> NDArray[np.float32]:
    """The new row, from those of the pieces."""
    if params.start == "mean":
        mean: NDArray[np.float32] = rows.mean(axis=0)
        return mean
    if params.start == "zero":
        return np.zeros(rows.shape[1], np.float32)
    drawn = np.random.default_rng(params.seed).normal(0.0, float(rows.std()), (rows.shape[1],))
    return drawn.astype(np.float32)


def _read(tokens: list[tuple[int, str]], log_p: NDArray[np.float32], new: int) -> list[Read]:
    """Each token with the surprise at it, given all before."""
    return [
        Read(id=id, text=text, bits=round(float(-log_p[at - 1, id]) / math.log(2), 4) if at else None, new=id == new)
        for at, (id, text) in enumerate(tokens)
    ]


def _total(tokens: list[Read]) -> float:
    return round(sum(token.bits or 0.0 for token in tokens), 3)


def _cosines(rows: NDArray[np.float64], row: NDArray[np.float64]) -> NDArray[np.float64]:
    norms = np.linalg.norm(rows, axis=1) * np.linalg.norm(row)
    cosines: NDArray[np.float64] = np.divide(rows @ row, norms, out=np.zeros(len(rows)), where=norms > 0)
    return cosines


exhibit = Exhibit(
    title="A new word in a real model",
    summary="One more token in a model of your library: its row, and the loss before and after.",
    run=run,
)
