"""What is in a vocabulary? A list of pieces, each with a number. The number says nothing about meaning: it is the row
of the embedding table where the model keeps what it has learned about that piece.

How did a piece get in? In a vocabulary that was learned by merging, low numbers are frequent pieces, and each has a
history: click one to see the merges that made it, down to single bytes.

Notice the special tokens: they stand for no text. A model knows from them where a text ends, which part is a
question, what is masked.
"""

from collections.abc import Callable
from typing import Literal

from pydantic import BaseModel, Field

from playground.domain.errors import BadInput
from playground.domain.exhibit import Exhibit
from playground.domain.knobs import Knobs
from playground.domain.tokenization.tokenizer import Shelf, Vocabulary
from playground.exhibits.tokens._choice import TokenizerId

MAX_ITEMS = 200
MAX_NODES = 400


class Params(Knobs):
    """A search in one vocabulary, and a token to look at closely."""

    tokenizer: TokenizerId = Field("bpe-mixed", title="Tokenizer")
    query: str = Field("", title="Search", max_length=200)
    by: Literal["text", "beginning", "number", "bytes"] = Field("text", title="Search by")
    offset: int = Field(0, ge=0, le=2_000_000)
    limit: int = Field(30, ge=1, le=MAX_ITEMS)
    token: int | None = Field(None, title="Token", ge=0, le=2_000_000)


class Entry(BaseModel):
    """A piece. `text` is None where its bytes are no whole text; `rank`: which merge made it; `score`:
    log-probability.
    """

    id: int
    piece: str
    text: str | None
    bytes: str
    special: bool
    rank: int | None
    score: float | None


class Node(BaseModel):
    """A piece in the tree of a token's making: its entry and its two halves (places in the list), if it was merged."""

    entry: Entry
    left: int | None
    right: int | None


class Result(BaseModel):
    """The page of entries out of `total`; `making` begins with the token asked for. `used_in`: merges that go on from
    it.
    """

    size: int
    total: int
    entries: list[Entry]
    making: list[Node]
    used_in: list[Entry]


class _View:
    """A vocabulary with what is looked up in it."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.rank: dict[int, int] = {}
        for rank, (_, _, product) in enumerate(vocabulary.merges):
            self.rank.setdefault(product, rank)

    def entry(self, id: int) -> Entry:
        raw = self.vocabulary.raw[id]
        scores = self.vocabulary.scores
        return Entry(
            id=id,
            piece=self.vocabulary.spelling[id] or "",
            text=_text(raw),
            bytes=raw.hex(),
            special=id in self.vocabulary.special,
            rank=self.rank.get(id),
            score=scores[id] if scores is not None and id < len(scores) else None,
        )

    def making(self, id: int) -> list[Node]:
        """The token's tree, parents before their halves."""
        nodes: list[Node] = []

        def add(number: int) -> int:
            at = len(nodes)
            nodes.append(Node(entry=self.entry(number), left=None, right=None))
            rank = self.rank.get(number)
            if rank is not None and len(nodes) < MAX_NODES:
                left, right, _ = self.vocabulary.merges[rank]
                nodes[at].left = add(left)
                nodes[at].right = add(right)
            return at

        add(id)
        return nodes


def _text(raw: bytes) -> str | None:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None


def run(params: Params, shelf: Shelf) -> Result:
    """Search. Raises BadInput for a query that is no number or no bytes, and for a token that is not there."""
    vocabulary = shelf.open(params.tokenizer).vocabulary()
    spelling = vocabulary.spelling
    matches = _matcher(params, vocabulary)
    found = [number for number in range(len(spelling)) if spelling[number] is not None and matches(number)]
    if params.by == "text" and params.query:
        wanted = params.query.encode()
        found.sort(key=lambda number: (len(vocabulary.raw[number]) - len(wanted), number))
    view = _View(vocabulary)
    making: list[Node] = []
    used: list[Entry] = []
    if params.token is not None:
        if params.token >= len(spelling) or spelling[params.token] is None:
            raise BadInput("There is no such token.", {"token": ["The vocabulary has no piece with this number."]})
        making = view.making(params.token)
        products = dict.fromkeys(product for left, right, product in vocabulary.merges if params.token in (left, right))
        used = [view.entry(number) for number in list(products)[:24]]
    page = found[params.offset : params.offset + params.limit]
    return Result(
        size=sum(piece is not None for piece in spelling),
        total=len(found),
        entries=[view.entry(number) for number in page],
        making=making,
        used_in=used,
    )


def _matcher(params: Params, vocabulary: Vocabulary) -> Callable[[int], bool]:
    query, raw, spelling = params.query, vocabulary.raw, vocabulary.spelling
    if not query:
        return lambda number: True
    if params.by == "number":
        if not query.strip().isdecimal():
            raise BadInput("The search cannot be made.", {"query": ["A token's number is a whole number from 0 on."]})
        wanted_number = int(query)
        return lambda number: number == wanted_number
    if params.by == "bytes":
        try:
            wanted = bytes.fromhex(query.replace("0x", " "))
        except ValueError:
            raise BadInput(
                "The search cannot be made.", {"query": ["Write bytes in hexadecimal, such as E4 BD A0."]}
            ) from None
        return lambda number: wanted in raw[number]
    wanted = query.encode()
    if params.by == "beginning":
        return lambda number: raw[number].startswith(wanted) or (spelling[number] or "").startswith(query)
    return lambda number: wanted in raw[number] or query in (spelling[number] or "")


exhibit = Exhibit(
    title="Inside a vocabulary",
    summary="Search pieces by text, number or bytes, and see the merges that made each one.",
    run=run,
)
