"""WordPiece, learned by score: the pair whose parts belong together most, f(ab) / (f(a) f(b)), becomes one symbol.

The quotient is how much more often the parts stand together than chance would have it; merging that pair raises the
likelihood of the corpus under a unigram model most. Rare parts that always meet win over frequent pairs, which is what
sets it apart from BPE. A piece inside a word is not the piece at its start ("##ly" and "ly" are two symbols).
Source: Schuster and Nakajima, "Japanese and Korean Voice Search" (2012).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from playground.domain.tokenization.ribbon import MASK, SHIFT, Ribbon, order_key

Entry = tuple[float, str, str, int]


class Scored(NamedTuple):
    """A pair with its count, the counts of its parts and f(ab) / (f(a) f(b))."""

    left: int
    right: int
    times: int
    left_times: int
    right_times: int
    score: float


class Step(NamedTuple):
    """One merge: the chosen pair, the symbol that it became, the corpus' tokens afterwards, and the best pairs then."""

    chosen: Scored
    product: int
    tokens: int
    rivals: tuple[Scored, ...]


@dataclass(frozen=True)
class WordPiece:
    """What was learned. `starts[k]` says whether symbol k begins a word; one that does not is written with ##."""

    symbols: list[str]
    starts: list[bool]
    alphabet: int
    steps: list[Step]
    tokens: int

    def piece(self, number: int) -> str:
        """The symbol as vocabularies spell it."""
        return self.symbols[number] if self.starts[number] else "##" + self.symbols[number]


class _Scores:
    """Pairs by score. The score of every pair of a symbol moves when that symbol becomes rarer."""

    def __init__(self, ribbon: Ribbon, words: Mapping[str, int]) -> None:
        self._ribbon = ribbon
        self.single = [0] * len(ribbon.symbols)
        for word, times in zip(ribbon.words(), (times for word, times in words.items() if word), strict=True):
            for number in word:
                self.single[number] += times
        self._keys = [order_key(surface) for surface in ribbon.symbols]
        self._touching: list[set[int]] = [set() for _ in ribbon.symbols]
        self._heap: list[Entry] = []
        for pair in ribbon.count:
            self._touch(pair)
            self._heap.append(self._entry(pair))
        heapify(self._heap)

    def _touch(self, pair: int) -> None:
        self._touching[pair >> SHIFT].add(pair)
        self._touching[pair & MASK].add(pair)

    def score(self, pair: int) -> float:
        return self._ribbon.count[pair] / (self.single[pair >> SHIFT] * self.single[pair & MASK])

    def scored(self, pair: int) -> Scored:
        left, right = pair >> SHIFT, pair & MASK
        return Scored(left, right, self._ribbon.count[pair], self.single[left], self.single[right], self.score(pair))

    def _entry(self, pair: int) -> Entry:
        return -self.score(pair), self._keys[pair >> SHIFT], self._keys[pair & MASK], pair

    def best(self, least: int) -> int | None:
        """The pair of the highest score among those that stand at least `least` times."""
        heap, count = self._heap, self._ribbon.count
        while heap:
            entry = heap[0]
            pair = entry[3]
            score = self.score(pair) if count.get(pair, 0) >= least else None
            if score == -entry[0]:
                return pair
            heappop(heap)
            if score is not None and score < -entry[0]:
                heappush(heap, (-score, *entry[1:]))
        return None

    def leaders(self, number: int, least: int) -> tuple[Scored, ...]:
        taken: dict[int, Entry] = {}
        while len(taken) < number and self.best(least) is not None:
            entry = heappop(self._heap)
            taken[entry[3]] = entry
        for entry in taken.values():
            heappush(self._heap, entry)
        return tuple(self.scored(pair) for pair in taken)

    def merged(self, pair: int, product: int, places: int, grown: set[int]) -> None:
        """Counts after a merge; every pair that touches what changed is entered anew."""
        left, right = pair >> SHIFT, pair & MASK
        while len(self.single) < len(self._ribbon.symbols):
            self.single.append(0)
            self._touching.append(set())
            self._keys.append(order_key(self._ribbon.symbols[len(self._keys)]))
        self.single[left] -= places
        self.single[right] -= places
        self.single[product] += places
        for key in grown:
            self._touch(key)
        count = self._ribbon.count
        for number in {left, right, product}:
            self._touching[number] = {key for key in self._touching[number] if key in count}
            for key in self._touching[number]:
                heappush(self._heap, self._entry(key))


def learn(words: Mapping[str, int], merges: int, *, least: int = 1, rivals: int = 8, marked: bool = True) -> WordPiece:
    """Learn up to `merges` merges; equal scores go to the pair later in Unicode order, as in BPE.

    With `marked` false a character is one symbol wherever it stands, which makes the choice comparable with BPE's.
    """
    ribbon = Ribbon(words, continuing=marked)
    tokens = ribbon.tokens
    scores = _Scores(ribbon, words)
    steps: list[Step] = []
    while len(steps) < merges:
        pair = scores.best(least)
        if pair is None:
            break
        chosen, leaders = scores.scored(pair), scores.leaders(rivals, least)
        surface = ribbon.symbols[chosen.left] + ribbon.symbols[chosen.right]
        product = ribbon.number(surface, ribbon.starts[chosen.left])
        change = ribbon.merge(pair, product)
        scores.merged(pair, product, change.places, change.grown)
        steps.append(Step(chosen, product, ribbon.tokens, leaders))
    starts = ribbon.starts if marked else [True] * len(ribbon.symbols)
    return WordPiece(ribbon.symbols, starts, ribbon.alphabet, steps, tokens)


def cut(word: str, vocabulary: Mapping[str, int]) -> list[str] | None:
    """Greedy longest match from the left, as BERT reads; None where a part is not in the vocabulary (`[UNK]`)."""
    parts: list[str] = []
    at = 0
    while at < len(word):
        end = next((e for e in range(len(word), at, -1) if ("##" if at else "") + word[at:e] in vocabulary), None)
        if end is None:
            return None
        parts.append(("##" if at else "") + word[at:end])
        at = end
    return parts
