"""Can a vocabulary be cut down instead of built up? Unigram begins with every substring that occurs often, estimates
how probable each piece is, and drops those that are missed least.

How many ways are there to cut a word? Many, and each has a probability: the product of its pieces'. The lattice shows
all of them at once. A thick arc is a piece that most cuts use.

How are the probabilities found? By going back and forth: given the probabilities, every cut counts as much as it is
likely; given the counts, new probabilities follow. Each round raises the likelihood of the text. Then the pieces
whose loss hurts least are removed.

Notice that a model can be shown another cut each time it reads the word. Turn the temperature: at zero every draw is
the best cut, higher up they become as different as the lattice allows.
"""

import math
import random
from functools import lru_cache

from pydantic import BaseModel, Field

from playground.domain.exhibit import Exhibit
from playground.domain.knobs import Knobs
from playground.domain.tokenization import unigram, words

INLINE_CHARACTERS = 600
MAX_CHARACTERS = 200_000
EXAMPLE = """low lower lowest slow slower slowly fast faster fastest new newer newest newly wide wider widest widely
near nearer nearest nearly old older oldest cold colder coldest coldly sold told hold
机器 机器学习 深度 深度学习 学习 学习者 翻译 翻译者 机器翻译 读者 作者"""
SHOWN_PIECES = 400
SHOWN_CUTS = 12


class Params(Knobs):
    """The corpus and the vocabulary's size, and the word whose cuts are shown."""

    text: str = Field(EXAMPLE, title="Corpus", min_length=1, max_length=MAX_CHARACTERS)
    size: int = Field(50, title="Vocabulary size", ge=2, le=8_000)
    word: str = Field("slowest", title="Word", min_length=1, max_length=40)
    temperature: float = Field(3.0, title="Temperature", ge=0.0, le=10.0)
    draws: int = Field(200, title="Draws", ge=1, le=2_000)
    seed: int = Field(1, title="Seed", ge=0, le=2**31)


class Piece(BaseModel):
    """A piece of the vocabulary and its probability."""

    piece: str
    probability: float


class Edge(BaseModel):
    """A piece at its place in the word; `share` is the probability that a cut uses it there."""

    start: int
    end: int
    piece: str
    probability: float
    share: float
    known: bool


class Way(BaseModel):
    """A cut, its probability among all cuts of this word, and how many of the draws were this one."""

    pieces: list[str]
    probability: float
    drawn: int


class Removed(BaseModel):
    """A piece that a round dropped, its loss, and what it is cut into from then on."""

    piece: str
    loss: float
    instead: list[str]


class Round(BaseModel):
    """A round of estimating, and what was removed after it."""

    pieces: int
    log_likelihood: float
    tokens: float
    removed_count: int
    removed: list[Removed]


class Result(BaseModel):
    """The training and the lattice of the word."""

    size: int
    rounds: list[Round]
    pieces: list[Piece]
    word: str
    edges: list[Edge]
    cuts: str
    ways: list[Way]
    other_draws: int
    log_probability: float


@lru_cache(maxsize=8)
def _learned(text: str, size: int) -> unigram.Unigram:
    return unigram.learn(words.count(text), size)


def run(params: Params) -> Result:
    """Learn (or remember what was learned from the same text), then look at one word."""
    learned = _learned(params.text, params.size)
    lattice = learned.lattice(params.word)
    total, marginals = lattice.marginals()
    ways = lattice.likeliest(SHOWN_CUTS)
    generator = random.Random(params.seed)
    if params.temperature == 0.0:
        drawn = {ways[0].pieces: params.draws}
    else:
        drawn = {}
        for _ in range(params.draws):
            cut = lattice.sample(generator, 1.0 / params.temperature)
            drawn[cut] = drawn.get(cut, 0) + 1
    found = [
        Way(pieces=list(way.pieces), probability=math.exp(way.log - total), drawn=drawn.get(way.pieces, 0))
        for way in ways
    ]
    return Result(
        size=len(learned.pieces),
        rounds=[_round(item) for item in learned.rounds],
        pieces=[Piece(piece=p, probability=math.exp(log)) for p, log in list(learned.pieces.items())[:SHOWN_PIECES]],
        word=params.word,
        edges=[
            Edge(
                start=edge.start,
                end=edge.end,
                piece=edge.piece,
                probability=math.exp(edge.log),
                share=share,
                known=edge.piece in learned.pieces,
            )
            for edge, share in marginals
        ],
        cuts=str(lattice.number_of_cuts()),
        ways=found,
        other_draws=params.draws - sum(way.drawn for way in found),
        log_probability=total,
    )


def _round(item: unigram.Round) -> Round:
    removed = [Removed(piece=r.piece, loss=r.loss, instead=list(r.instead)) for r in item.removed]
    return Round(
        pieces=item.pieces,
        log_likelihood=item.log_likelihood,
        tokens=item.tokens,
        removed_count=item.removed_count,
        removed=removed,
    )


exhibit = Exhibit(
    title="Unigram: all cuts at once",
    summary="The lattice of every way to cut a word, learned by estimating and pruning.",
    run=run,
    apart=lambda params: len(params.text) > INLINE_CHARACTERS,
)
