"""What the network sees: batches of a run that has not begun, in the form in which they are sent to be looked at.

Numbers travel as packed arrays (`playground.domain.arrays`), texts as lists. A token may hold part of a character only,
so that texts belong to groups: as many tokens as make whole characters, one as a rule.
"""

from pydantic import BaseModel, Field

Packed = dict[str, str]

MAX_BATCHES = 4
"""Batches of one answer."""
MAX_ROWS = 8
"""Rows shown of a batch: enough to see what rows are like; what is counted is counted over all of them."""
MAX_TOKENS = 8_192
"""Tokens shown of a batch: with long blocks fewer rows are shown, but always one."""


class PreviewPiece(BaseModel):
    """A token by itself: its text, "" where it is part of a character only, and its bytes in hexadecimal."""

    id: int
    text: str
    hex: str
    special: bool


class PreviewLine(BaseModel):
    """A row as text: one text for each group, and how many tokens each group has (which sum up to the block size)."""

    texts: list[str]
    sizes: Packed


class PreviewCounts(BaseModel):
    """What a whole batch holds, the rows that are not shown included.

    `tokens` are those that are no padding; `words` those that could have been chosen to be hidden: neither padding nor
    control tokens; `unknown` those that stand for what the vocabulary does not have. `examples` counts the texts,
    several of which a row may hold.
    """

    tokens: int
    padding: int
    unknown: int
    words: int
    labelled: int
    masked: int
    replaced: int
    kept: int
    examples: int


class PreviewExample(BaseModel):
    """One text within a row, as the network reads it: control tokens are written out. `first` is its first token."""

    row: int
    first: int
    tokens: int
    text: str


class PreviewBatch(BaseModel):
    """One forward pass: the first rows of it as arrays (row, position), as in `playground.domain.kind.Batch`."""

    step: int
    micro: int
    rows: int = Field(description="Rows of the batch, of which `lines` has the first.")
    block: int
    inputs: Packed
    labels: Packed
    changes: Packed | None
    segments: Packed | None
    documents: Packed | None
    positions: Packed | None
    answers: Packed | None
    lines: list[PreviewLine]
    original: list[PreviewLine] | None = Field(description="The same rows before anything was hidden in them.")
    pieces: list[PreviewPiece] = Field(description="Every token that is in a shown row or has to be predicted there.")
    examples: list[PreviewExample] | None = Field(
        description="The texts of the shown rows, for kinds whose rows hold them."
    )
    counts: PreviewCounts


class PreviewHead(BaseModel):
    """What holds for all batches of a run. `aims`: shares of the words to be masked, replaced and kept.

    `joint` is what a token begins with that goes on with the word before it, where spaces are no part of tokens.
    """

    kind: str
    attention: str
    objective: str
    micros: int = Field(description="Batches of one step.")
    tokens: int = Field(description="Tokens of the whole text.")
    unknown: int = Field(description="Those of the whole text that stand for what the vocabulary does not have.")
    vocab_size: int
    special: dict[str, int]
    joint: str | None
    aims: dict[str, float]
    notes: list[str]


class RunPreview(PreviewHead):
    """The answer: batches that follow one another, from the step that was asked for on."""

    batches: list[PreviewBatch]
