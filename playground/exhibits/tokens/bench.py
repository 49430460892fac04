"""What does a tokenizer do to a text? A model never sees letters: it sees the numbers of tokens, and this is where
they come from. Write anything: each column is one tokenizer's view of the same text.

Do all of them cut alike? Point at a token, and its place lights up in every column. The same word may be one token
here, three there, and unknown somewhere else.

What if a token is half a character? A byte-level vocabulary may cut a Chinese character or an emoji into pieces that
are no text at all. Tokens that share a character are drawn as one group, and their bytes are shown instead.

Notice that a space usually belongs to the word after it, that capitals change the cut, and that a language which the
vocabulary was not trained on needs many more tokens to say the same.
"""

from typing import Literal

import numpy as np
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from playground.domain.errors import BadInput
from playground.domain.exhibit import Exhibit
from playground.domain.knobs import Knobs
from playground.domain.tokenization import parting
from playground.domain.tokenization.counts import Counts, count, packed
from playground.domain.tokenization.cut import Cut, Text, words_in
from playground.domain.tokenization.tokenizer import Shelf, Tokenizer
from playground.exhibits.tokens._choice import DEFAULT, EXAMPLE, MAX_CHARACTERS, TokenizerIds

MAX_LISTED = 100_000
"""Characters up to which tokens are listed one by one (about 100 bytes each); beyond, they come as columns only."""
SPECIAL, UNKNOWN, FIRST = 1, 2, 4


class Params(Knobs):
    """A text and the tokenizers that cut it. As `columns` the answer is about a tenth of the size of the list."""

    text: str = Field(EXAMPLE, title="Text", max_length=MAX_CHARACTERS)
    tokenizers: TokenizerIds = Field(DEFAULT, title="Tokenizers")
    special: bool = Field(True, title="Special tokens", description="Add what a tokenizer puts around a text ([CLS]).")
    form: Literal["tokens", "columns"] = Field("tokens", title="Form of the answer")


class Token(TypedDict):
    """`text`: what the token shows of the input, "" until a character is complete. `start`, `end`: character offsets.

    `bytes`: its share of the input's UTF-8, in hexadecimal. `piece`: how the vocabulary spells it. Tokens with the same
    `group` share characters.
    """

    id: int
    text: str
    start: int
    end: int
    bytes: str
    special: bool
    piece: str
    group: int
    unknown: bool


Packed = dict[str, str]


class Columns(BaseModel):
    """The tokens as typed arrays (base64): ids, and in bytes the gap before each token and its length.

    A gap may be negative: tokens that share a character overlap. `flags`: 1 special, 2 unknown, 4 begins a group.
    `vocabulary`: each id that occurs, with its spelling in `pieces`.
    """

    ids: Packed
    gaps: Packed
    lengths: Packed
    flags: Packed
    vocabulary: Packed
    pieces: list[str]


class Cutting(BaseModel):
    """One tokenizer's answer."""

    id: str
    tokens: list[Token] = []
    columns: Columns | None = None
    counts: Counts


class Result(BaseModel):
    """One answer for each tokenizer asked for, in that order.

    `seams`, with columns: byte places at which the text can be taken apart. The tokens of both sides are together those
    of the whole, whatever stands further away; what is put around a text excepted. A part is asked for with the
    one before it, whose tokens are then left out; within the first `unsure` bytes they depend on all that is before.
    """

    tokenizers: list[Cutting]
    seams: Packed | None = None
    unsure: int = 0


def run(params: Params, shelf: Shelf) -> Result:
    """Cut the text with every tokenizer."""
    if params.form == "tokens" and len(params.text) > MAX_LISTED:
        raise BadInput(
            "The text is too long to list its tokens.",
            {"text": [f"At most {MAX_LISTED:,} characters; ask for the form “columns” beyond."]},
        )
    words = words_in(params.text)
    opened = [shelf.open(id) for id in params.tokenizers]
    cuttings = [_cutting(tokenizer, id, params, words) for tokenizer, id in zip(opened, params.tokenizers, strict=True)]
    if params.form == "tokens":
        return Result.model_construct(tokenizers=cuttings)
    found = parting.part(params.text, opened)
    byte_of = Text(params.text).byte_of
    return Result.model_construct(
        tokenizers=cuttings, seams=packed(byte_of[found.places]), unsure=int(byte_of[found.unsure])
    )


def _cutting(tokenizer: Tokenizer, id: str, params: Params, words: int) -> Cutting:
    cut = tokenizer.cut(params.text, special=params.special)
    counts = count(cut, words)
    if params.form == "columns":
        return Cutting.model_construct(id=id, columns=_columns(tokenizer, cut), counts=counts)
    return Cutting.model_construct(id=id, tokens=_tokens(tokenizer, cut), counts=counts)


def _tokens(tokenizer: Tokenizer, cut: Cut) -> list[Token]:
    rows = zip(
        cut.ids.tolist(),
        cut.texts(),
        cut.starts.tolist(),
        cut.ends.tolist(),
        cut.shares(),
        cut.special.tolist(),
        tokenizer.pieces(cut.ids.tolist()),
        cut.group_of.tolist(),
        cut.unknown.tolist(),
        strict=True,
    )
    return [
        {
            "id": id,
            "text": text,
            "start": start,
            "end": end,
            "bytes": share,
            "special": special,
            "piece": piece,
            "group": group,
            "unknown": unknown,
        }
        for id, text, start, end, share, special, piece, group, unknown in rows
    ]


def _columns(tokenizer: Tokenizer, cut: Cut) -> Columns:
    flags = SPECIAL * cut.special + UNKNOWN * cut.unknown + FIRST * cut.first
    known = np.unique(cut.ids)
    before = np.concatenate([np.zeros(1, np.int32), cut.byte_ends[:-1]])[: len(cut.ids)]
    return Columns(
        ids=packed(cut.ids),
        gaps=packed(cut.byte_starts - before),
        lengths=packed(cut.byte_ends - cut.byte_starts),
        flags=packed(flags),
        vocabulary=packed(known),
        pieces=tokenizer.pieces(known.tolist()),
    )


exhibit = Exhibit(
    title="The tokenizer bench",
    summary="One text, cut by as many tokenizers as you like, side by side, as you type.",
    run=run,
    apart=lambda params: len(params.text) > MAX_LISTED,
)
