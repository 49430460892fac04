"""Can a model learn a new word after training? Its vocabulary can grow: the word becomes one new token with a new
number, and the embedding table gets one new row. Text with the word becomes shorter at once.

What does the new row know? Nothing yet. It may begin with random numbers, with zeros, or with the mean of the rows of
the pieces that the word used to be cut into. The mean lies near rows that the model knows; whether it also reads better
is measured, for a model of your library, in the exhibit “A new word in a real model”.

Notice that until it has been trained further, a model is usually worse with the new token than with the old pieces:
every habit it has is tied to the old cut.
"""

from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, Field

from playground.domain.arrays import pack
from playground.domain.errors import BadInput
from playground.domain.exhibit import Exhibit
from playground.domain.knobs import Knobs
from playground.domain.tokenization.tokenizer import Shelf, Tokenizer
from playground.exhibits.tokens._choice import TokenizerId
from playground.exhibits.tokens._shown import Piece, pieces, with_added

EXAMPLE = "Photosynthesis feeds the old oak. 光合作用养活了老槐树。 No photosynthesis, no oak."
SPREAD = 0.02
"""Standard deviation of a fresh embedding table, as GPT-2 and BERT begin."""
WIDTH = 24

Word = Annotated[str, Field(min_length=1, max_length=100)]


class Params(Knobs):
    """The words to add, and how their rows begin."""

    tokenizer: TokenizerId = Field("bpe-mixed", title="Tokenizer")
    text: str = Field(EXAMPLE, title="Text", min_length=1, max_length=5_000)
    words: list[Word] = Field(["Photosynthesis", "光合作用"], title="New words", min_length=1, max_length=16)
    start: Literal["mean", "random", "zero"] = Field("mean", title="The new row begins as")
    seed: int = Field(1, title="Seed", ge=0, le=2**31)


class Grown(BaseModel):
    """A new word: its number, the pieces it used to be, and rows of the embedding table: theirs, then its own.

    `rows` is (pieces + 1, width); `closeness` the cosine of the new row with each piece's row.
    """

    word: str
    id: int
    known: bool
    was: list[int]
    was_pieces: list[str]
    rows: dict[str, str]
    closeness: list[float]
    places: int


class Result(BaseModel):
    """The text before and after, and the table's growth in numbers for a model of `width` 768."""

    size: int
    before: list[Piece]
    after: list[Piece]
    tokens_before: int
    tokens_after: int
    words: list[Grown]
    new_numbers: int


def run(params: Params, shelf: Shelf) -> Result:
    """Add the words. Raises BadInput for a word of white space."""
    if any(not word.strip() for word in params.words):
        raise BadInput("The vocabulary cannot grow.", {"words": ["A word needs a character that can be seen."]})
    tokenizer = shelf.open(params.tokenizer)
    size = tokenizer.card.size
    words = list(dict.fromkeys(params.words))
    known = {word: number for word in words if (number := _whole(tokenizer, word)) is not None}
    new = [word for word in words if word not in known]
    numbers = known | {word: size + at for at, word in enumerate(new)}
    after, tokens_after = with_added(tokenizer, params.text, {word: numbers[word] for word in new}, special=False)
    before = tokenizer.cut(params.text, special=False)
    grown = [_grown(tokenizer, word, numbers[word], word in known, params) for word in words]
    return Result(
        size=size,
        before=pieces(before),
        after=after,
        tokens_before=len(before.ids),
        tokens_after=tokens_after,
        words=grown,
        new_numbers=768 * len(new),
    )


def _whole(tokenizer: Tokenizer, word: str) -> int | None:
    """The word's number where it is already one known token."""
    cut = tokenizer.cut(word, special=False)
    return int(cut.ids[0]) if len(cut.ids) == 1 and not cut.unknown[0] else None


def _shown(share: str) -> str:
    """Bytes in hexadecimal as text where they are whole characters."""
    raw = bytes.fromhex(share)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return " ".join(f"{value:02X}" for value in raw)


def _row(number: int, seed: int) -> np.ndarray:
    """A token's row in a fresh table: the same for the same seed, whatever else is asked for."""
    return np.random.default_rng([seed, number]).normal(0.0, SPREAD, WIDTH)


def _grown(tokenizer: Tokenizer, word: str, number: int, known: bool, params: Params) -> Grown:
    cut = tokenizer.cut(word, special=False)
    was = cut.ids.tolist()
    old = np.stack([_row(id, params.seed) for id in was]) if was else np.zeros((0, WIDTH))
    if known or (params.start == "mean" and len(was)):
        new = old.mean(axis=0)
    else:
        new = np.zeros(WIDTH) if params.start == "zero" else _row(number, params.seed)
    norms = np.linalg.norm(old, axis=1) * np.linalg.norm(new)
    cosine = np.divide(old @ new, norms, out=np.zeros(len(old)), where=norms > 0)
    return Grown(
        word=word,
        id=number,
        known=known,
        was=was,
        was_pieces=[_shown(share) for share in cut.shares()],
        rows=pack(np.vstack([old, new[None, :]]).astype(np.float32)),
        closeness=[round(float(value), 4) for value in cosine],
        places=params.text.count(word),
    )


exhibit = Exhibit(
    title="Growing a vocabulary",
    summary="Add a word: its new number, its new row, and the text that becomes shorter.",
    run=run,
)
