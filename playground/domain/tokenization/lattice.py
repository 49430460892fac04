"""All ways to cut a word into pieces of a vocabulary, with their probabilities: the heart of the Unigram tokenizer.

A cut's probability is the product of its pieces' probabilities. Sums over all cuts come from a forward and a backward
pass over the word's positions, so that nothing is ever enumerated. All logarithms are natural.
"""

import math
import random
from collections.abc import Mapping, Sequence
from typing import NamedTuple

MINUS_INFINITY = -math.inf


class Edge(NamedTuple):
    """One piece at one place: characters `start` to `end`, and the piece's log-probability."""

    start: int
    end: int
    piece: str
    log: float


class Way(NamedTuple):
    """One whole cut and its log-probability."""

    pieces: tuple[str, ...]
    log: float


def log_sum(values: Sequence[float]) -> float:
    """log(sum(exp(v))), without overflow; minus infinity for nothing."""
    top = max(values, default=MINUS_INFINITY)
    if top == MINUS_INFINITY:
        return MINUS_INFINITY
    return top + math.log(sum(math.exp(value - top) for value in values))


class Lattice:
    """The lattice of one word. `unknown` is the log-probability of a character that no piece covers."""

    def __init__(self, word: str, pieces: Mapping[str, float], longest: int, unknown: float = -30.0) -> None:
        self.word = word
        self.ending: list[list[Edge]] = [[] for _ in range(len(word) + 1)]
        for start in range(len(word)):
            for end in range(start + 1, min(len(word), start + longest) + 1):
                log = pieces.get(word[start:end])
                if log is not None:
                    self.ending[end].append(Edge(start, end, word[start:end], log))
            if word[start] not in pieces:
                self.ending[start + 1].append(Edge(start, start + 1, word[start], unknown))

    def edges(self) -> list[Edge]:
        return [edge for ending in self.ending for edge in ending]

    def forward(self, power: float = 1.0) -> list[float]:
        """(len + 1) log-sums over all cuts of the first k characters, each piece's log times `power`."""
        alpha = [0.0]
        for ending in self.ending[1:]:
            alpha.append(log_sum([alpha[edge.start] + power * edge.log for edge in ending]))
        return alpha

    def backward(self) -> list[float]:
        """(len + 1) log-sums over all cuts of the characters from k on."""
        beta: list[list[float]] = [[] for _ in range(len(self.word) + 1)]
        sums = [0.0] * (len(self.word) + 1)
        for end in range(len(self.word), -1, -1):
            sums[end] = log_sum(beta[end]) if end < len(self.word) else 0.0
            for edge in self.ending[end]:
                beta[edge.start].append(edge.log + sums[end])
        return sums

    def marginals(self) -> tuple[float, list[tuple[Edge, float]]]:
        """The word's log-probability, and every edge with the probability that a cut drawn at random uses it."""
        alpha, beta = self.forward(), self.backward()
        total = alpha[-1]
        return total, [(e, math.exp(alpha[e.start] + e.log + beta[e.end] - total)) for e in self.edges()]

    def best(self, without: str | None = None) -> Way | None:
        """The likeliest cut, of equals the one with the longer piece at the end; None if `without` leaves no cut."""
        score = [0.0]
        back: list[Edge | None] = [None]
        for ending in self.ending[1:]:
            top, chosen = MINUS_INFINITY, None
            for edge in ending:
                if edge.piece != without and score[edge.start] + edge.log > top:
                    top, chosen = score[edge.start] + edge.log, edge
            score.append(top)
            back.append(chosen)
        if score[-1] == MINUS_INFINITY:
            return None
        return Way(tuple(reversed(_walk(back))), score[-1])

    def likeliest(self, number: int) -> list[Way]:
        """The `number` likeliest cuts, best first; equals in alphabetical order of their pieces."""
        ways: list[list[Way]] = [[Way((), 0.0)]]
        for ending in self.ending[1:]:
            found = [Way((*way.pieces, edge.piece), way.log + edge.log) for edge in ending for way in ways[edge.start]]
            ways.append(sorted(found, key=lambda way: (-way.log, way.pieces))[:number])
        return ways[-1]

    def number_of_cuts(self) -> int:
        """How many cuts there are; grows like 2 to the length."""
        counts = [1]
        for ending in self.ending[1:]:
            counts.append(sum(counts[edge.start] for edge in ending))
        return counts[-1]

    def sample(self, generator: random.Random, power: float = 1.0) -> tuple[str, ...]:
        """A cut drawn with probability proportional to P(cut) to the `power` (0: all alike; large: the best)."""
        alpha = self.forward(power)
        parts: list[str] = []
        at = len(self.word)
        while at > 0:
            ending = self.ending[at]
            weights = [math.exp(alpha[edge.start] + power * edge.log - alpha[at]) for edge in ending]
            edge = generator.choices(ending, weights)[0]
            parts.append(edge.piece)
            at = edge.start
        return tuple(reversed(parts))


def _walk(back: Sequence[Edge | None]) -> list[str]:
    parts: list[str] = []
    at = len(back) - 1
    while at > 0:
        edge = back[at]
        if edge is None:
            break
        parts.append(edge.piece)
        at = edge.start
    return parts
