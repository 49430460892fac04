"""How small should a token be? The same text can be cut into words, into parts of words, into characters or into
bytes, and each choice has its price.

What does a vocabulary not know? Words give the shortest sequence, but every word that the vocabulary lacks becomes
the same unknown token. Characters are never long, yet a script that was not seen is unknown as well. Bytes know
everything with 256 numbers and pay with the longest sequence.

Notice that parts of words stand between: frequent words stay whole, rare ones fall into pieces, and nothing has to be
unknown. Move the vocabulary's size and watch the four trade places.
"""

from collections.abc import Callable

from pydantic import BaseModel, Field

from playground.domain.exhibit import Exhibit
from playground.domain.knobs import Knobs
from playground.domain.tokenization import bpe, words

EXAMPLE = "The miller's cat is unbelievably quiet. 磨坊里的猫很安静。"
LEARNED_FROM = (
    "The miller has a quiet cat. The cat sleeps in the mill, and the miller works in the mill. "
    "The baker's dog is loud; the miller likes the quiet of the night. "
    "A quieter cat was never seen, a louder dog was never heard. "
    "磨坊主有一只安静的猫。猫在磨坊里睡觉，磨坊主在磨坊里干活。面包师的狗很吵，磨坊主喜欢安静的夜晚。"
)


class Params(Knobs):
    """The text to cut, and the text that the vocabularies are learned from."""

    text: str = Field(EXAMPLE, title="Text", min_length=1, max_length=2_000)
    learned_from: str = Field(LEARNED_FROM, title="Learned from", min_length=1, max_length=4_000)
    size: int = Field(
        120, title="Learned pieces", description="Words kept, and parts merged on top of the 256 bytes.", ge=0, le=2_000
    )


class Cell(BaseModel):
    """One token's text, or bytes in hexadecimal; `gap` is a space that the unit drops."""

    text: str
    unknown: bool = False
    gap: bool = False


class Unit(BaseModel):
    """The text in one unit. `size` is the vocabulary's; `unknown` the share of tokens that it lacks."""

    unit: str
    size: int
    tokens: int
    unknown: float
    longest: int
    cells: list[Cell]


class Result(BaseModel):
    """Words, parts of words, characters, bytes."""

    units: list[Unit]


def run(params: Params) -> Result:
    """Learn the four vocabularies and cut."""
    return Result(units=[_words(params), _parts(params), _characters(params), _bytes(params)])


def _words(params: Params) -> Unit:
    counted = words.count(params.learned_from, spaces="lead")
    bare: dict[str, int] = {}
    for word, times in counted.items():
        bare[word.strip()] = bare.get(word.strip(), 0) + times
    bare.pop("", None)
    known = set(sorted(bare, key=lambda word: (-bare[word], word))[: params.size])
    return _unit("word", len(known), words.split(params.text, "lead"), lambda word: word in known)


def _parts(params: Params) -> Unit:
    counted = words.count(params.learned_from, unit="bytes", spaces="lead")
    learned = bpe.learn(counted, params.size, rivals=0)
    ranks = {
        (learned.symbols[merge.left], learned.symbols[merge.right]): rank
        for rank, merge in reversed(list(enumerate(learned.merges)))
    }
    cells = [
        Cell(text=words.shown(part, "bytes"))
        for word in words.split(params.text, "lead")
        for part in bpe.apply(words.to_bytes(word), ranks)
    ]
    longest = max((len(symbol) for symbol in learned.symbols), default=1)
    return Unit(
        unit="part", size=256 + len(learned.merges), tokens=len(cells), unknown=0.0, longest=longest, cells=cells
    )


def _characters(params: Params) -> Unit:
    known = set(params.learned_from)
    return _unit("character", len(known), list(params.text), lambda character: character in known, keep=True)


def _bytes(params: Params) -> Unit:
    cells = [Cell(text=f"{value:02X}") for value in params.text.encode()]
    return Unit(unit="byte", size=256, tokens=len(cells), unknown=0.0, longest=1, cells=cells)


def _unit(name: str, size: int, pieces: list[str], knows: Callable[[str], bool], *, keep: bool = False) -> Unit:
    cells: list[Cell] = []
    for piece in pieces:
        bare = piece if keep else piece.strip()
        if len(bare) < len(piece):
            cells.append(Cell(text=piece[: len(piece) - len(bare)], gap=True))
        if bare:
            cells.append(Cell(text=bare, unknown=not knows(bare)))
    tokens = [cell for cell in cells if not cell.gap]
    unknown = sum(cell.unknown for cell in tokens) / len(tokens) if tokens else 0.0
    longest = max((len(cell.text) for cell in tokens), default=0)
    return Unit(unit=name, size=size, tokens=len(tokens), unknown=round(unknown, 4), longest=longest, cells=cells)


exhibit = Exhibit(
    title="Words, parts, characters, bytes",
    summary="The same text cut into four units: length, unknowns and vocabulary against each other.",
    run=run,
)
