"""The Unigram tokenizer, learned the other way round: begin with far too many pieces, drop the least useful.

Each round estimates the pieces' probabilities by expectation and maximisation over all cuts of all words (`lattice`),
then removes the pieces whose loss hurts the corpus' likelihood least: what a piece did must be done by its best cut
into others. Single characters always stay. Source: Kudo, "Subword Regularization" (2018).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from playground.domain.tokenization.lattice import Lattice

LONGEST = 10  # characters of a seed piece: longer ones cost time and hardly survive
KEPT = 0.75  # share of the pieces that a round of pruning keeps, as in the paper's implementation
ROUNDS_OF_EM = 2  # between two prunings, as in the paper's implementation
SMALLEST = 1e-12  # expected count below which a single character, which must stay, is held


class Pruned(NamedTuple):
    """A piece that was removed: its probability, the loss of log-likelihood, and what it is cut into from now on."""

    piece: str
    probability: float
    loss: float
    instead: tuple[str, ...]


class Round(NamedTuple):
    """The state before a pruning: pieces, the corpus' log-likelihood (nats) and expected number of tokens."""

    pieces: int
    log_likelihood: float
    tokens: float
    removed: tuple[Pruned, ...]  # the first few, least missed first
    removed_count: int


@dataclass(frozen=True)
class Unigram:
    """The vocabulary with natural log-probabilities, likeliest first, and how it came about."""

    pieces: dict[str, float]
    rounds: list[Round]

    @property
    def longest(self) -> int:
        return max(map(len, self.pieces), default=1)

    def lattice(self, word: str) -> Lattice:
        return Lattice(word, self.pieces, self.longest)


def seed(words: Mapping[str, int], size: int) -> dict[str, float]:
    """All characters, and the substrings with the highest count times length, with counts as weights."""
    counts: dict[str, int] = {}
    for word, times in words.items():
        for start in range(len(word)):
            for end in range(start + 1, min(len(word), start + LONGEST) + 1):
                piece = word[start:end]
                counts[piece] = counts.get(piece, 0) + times
    single = {piece: count for piece, count in counts.items() if len(piece) == 1}
    longer = [(piece, count) for piece, count in counts.items() if len(piece) > 1 and count > 1]
    longer.sort(key=lambda item: (-item[1] * len(item[0]), item[0]))
    return _normalised({**single, **dict(longer[: max(0, size - len(single))])})


def learn(words: Mapping[str, int], size: int, *, seeds: int | None = None, shown: int = 12) -> Unigram:
    """Learn a vocabulary of `size` pieces (more, if there are more different characters than that).

    `seeds` is the size of the first vocabulary (8 times `size` by default); `shown` removed pieces are kept a round.
    """
    pieces = seed(words, seeds or 8 * size)
    rounds: list[Round] = []
    while True:
        log_likelihood, tokens = 0.0, 0.0
        for _ in range(ROUNDS_OF_EM):
            pieces, log_likelihood, tokens = step(words, pieces)
        single = sum(len(piece) == 1 for piece in pieces)
        surplus = len(pieces) - max(size, single)
        losses = _losses(pieces) if surplus > 0 else []
        count = min(surplus, max(1, math.ceil((1 - KEPT) * (len(pieces) - single)))) if losses else 0
        removed = losses[:count]
        rounds.append(Round(len(pieces), log_likelihood, tokens, tuple(removed[:shown]), len(removed)))
        if not removed:
            break
        gone = {item.piece for item in removed}
        pieces = {piece: log for piece, log in pieces.items() if piece not in gone}
    return Unigram(dict(sorted(pieces.items(), key=lambda item: (-item[1], item[0]))), rounds)


def step(words: Mapping[str, int], pieces: Mapping[str, float]) -> tuple[dict[str, float], float, float]:
    """One round of EM: the new log-probabilities, and log-likelihood and expected tokens under the old ones.

    Pieces that are expected nowhere are dropped, single characters never.
    """
    longest = max(map(len, pieces))
    expected = dict.fromkeys(pieces, 0.0)
    log_likelihood = tokens = 0.0
    for word, times in words.items():
        total, marginals = Lattice(word, pieces, longest).marginals()
        log_likelihood += times * total
        for edge, probability in marginals:
            if edge.piece in expected:
                expected[edge.piece] += times * probability
                tokens += times * probability
    kept = {p: max(e, SMALLEST) for p, e in expected.items() if len(p) == 1 or e > SMALLEST}
    return _normalised(kept), log_likelihood, tokens


def _losses(pieces: Mapping[str, float]) -> list[Pruned]:
    """Every piece of more than one character, in the order in which they are missed least.

    The loss is what the likelihood of an expected occurrence falls by when the piece's best other cut replaces it.
    """
    longest = max(map(len, pieces))
    found: list[Pruned] = []
    for piece, log in pieces.items():
        if len(piece) == 1:
            continue
        way = Lattice(piece, pieces, longest).best(without=piece)
        if way is not None:
            loss = math.exp(log) * (log - way.log)
            found.append(Pruned(piece, math.exp(log), loss, way.pieces))
    return sorted(found, key=lambda item: (item.loss, item.piece))


def _normalised(weights: Mapping[str, float]) -> dict[str, float]:
    total = math.log(sum(weights.values()))
    return {piece: math.log(weight) - total for piece, weight in weights.items()}
