"""Why are sentences padded? They have different lengths, but a batch is a box: every row must be as long as the
others. Shorter rows are filled with a padding token, and a mask says which cells are real.

How much is wasted? Padding is computed and thrown away. Its share grows with the difference between the sentences;
sorting them by length, so that similar ones share a batch, saves much of it.

Which side is padded? A decoder that continues a text is padded on the left, so that the last cell of every row is a
real token; an encoder is usually padded on the right.

Notice that a tensor may have any number of dimensions, also none: a single number is one. The table shows each rank
with the thing in a language model that has that shape, in this very batch.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from playground.domain.exhibit import Exhibit
from playground.domain.knobs import Knobs
from playground.domain.tokenization.cut import Cut
from playground.domain.tokenization.tokenizer import Shelf
from playground.exhibits.tokens._choice import TokenizerId

SENTENCES = [
    "Good night.",
    "The ferryman rowed across alone to see whether the other shore was still there.",
    "猫在磨坊里睡觉。",
    "Nobody came.",
]
WIDTH, HEADS, BYTES = 64, 4, 4


class Params(Knobs):
    """The sentences of a batch and how they are made equally long."""

    sentences: list[Annotated[str, Field(max_length=2_000)]] = Field(
        SENTENCES, title="Sentences", min_length=1, max_length=64
    )
    tokenizer: TokenizerId = Field("bpe-mixed", title="Tokenizer")
    side: Literal["right", "left"] = Field("right", title="Padding side")
    multiple: int = Field(1, title="Length a multiple of", ge=1, le=128)
    limit: int = Field(64, title="Cut off after", ge=1, le=2_048, json_schema_extra={"unit": "tokens"})
    batch: int = Field(64, title="Rows in a batch", ge=1, le=64)
    sort: bool = Field(False, title="Sort by length first")


class Row(BaseModel):
    """A sentence: its number, its tokens' ids and texts ("" inside a character), padding on both sides, tokens cut
    off.
    """

    sentence: int
    ids: list[int]
    texts: list[str]
    before: int
    after: int
    lost: int


class Batch(BaseModel):
    """Rows of one length."""

    length: int
    rows: list[Row]


class Shape(BaseModel):
    """A tensor of this batch: rank, what it is, its shape, numbers in it and bytes at 4 a number."""

    rank: int
    what: str
    shape: list[int]
    numbers: int
    bytes: int


class Result(BaseModel):
    """The batches; `cells` are all cells, `padding` those that hold nothing."""

    pad_id: int | None
    batches: list[Batch]
    cells: int
    padding: int
    waste: float
    shapes: list[Shape]


def run(params: Params, shelf: Shelf) -> Result:
    """Cut, sort, pad."""
    tokenizer = shelf.open(params.tokenizer)
    cuts = [tokenizer.cut(sentence) for sentence in params.sentences]
    order = sorted(range(len(cuts)), key=lambda at: len(cuts[at].ids)) if params.sort else list(range(len(cuts)))
    groups = [order[at : at + params.batch] for at in range(0, len(order), params.batch)]
    batches = [_batch(params, {at: cuts[at] for at in group}) for group in groups]
    cells = sum(batch.length * len(batch.rows) for batch in batches)
    real = sum(len(row.ids) for batch in batches for row in batch.rows)
    special = tokenizer.card.special
    pad = next((special[name] for name in ("[PAD]", "<pad>", "<|pad|>", "<|endoftext|>") if name in special), None)
    return Result(
        pad_id=pad,
        batches=batches,
        cells=cells,
        padding=cells - real,
        waste=round((cells - real) / cells, 4) if cells else 0.0,
        shapes=_shapes(batches[0]),
    )


def _batch(params: Params, cuts: dict[int, Cut]) -> Batch:
    longest = max(min(len(cut.ids), params.limit) for cut in cuts.values())
    length = -(-longest // params.multiple) * params.multiple
    rows = []
    for at, cut in cuts.items():
        kept = min(len(cut.ids), params.limit)
        room = length - kept
        rows.append(
            Row(
                sentence=at,
                ids=cut.ids[:kept].tolist(),
                texts=cut.texts()[:kept],
                before=room if params.side == "left" else 0,
                after=room if params.side == "right" else 0,
                lost=len(cut.ids) - kept,
            )
        )
    return Batch(length=length, rows=rows)


def _shapes(batch: Batch) -> list[Shape]:
    rows, length = len(batch.rows), batch.length
    named = [
        ("the loss", []),
        ("the ids of one sentence", [length]),
        ("the ids of the batch", [rows, length]),
        ("an embedding for every token", [rows, length, WIDTH]),
        ("attention: every head's weights", [rows, HEADS, length, length]),
    ]
    found = []
    for what, shape in named:
        numbers = 1
        for size in shape:
            numbers *= size
        found.append(Shape(rank=len(shape), what=what, shape=shape, numbers=numbers, bytes=BYTES * numbers))
    return found


exhibit = Exhibit(
    title="Padding and the shapes of tensors",
    summary="Ragged sentences become a box: padding, mask and the cells that are wasted.",
    run=run,
)
