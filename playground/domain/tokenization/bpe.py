"""Byte pair encoding, learned step by step: the most frequent neighbouring pair becomes one symbol, again and again.

Ties go to the pair later in Unicode order (see `ribbon`), so that two people with the same text get the same
vocabulary. Source: Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with Subword Units" (2016).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import NamedTuple

from playground.domain.tokenization.ribbon import MASK, SHIFT, Ribbon, order_key

Entry = tuple[int, str, str, int]


class Rival(NamedTuple):
    """A pair that could have been chosen, and how often it stood in the corpus then."""

    left: int
    right: int
    times: int


class Merge(NamedTuple):
    """One step: the pair, the symbol that it became, its count, the corpus' tokens afterwards, and the best pairs then.

    `rivals` begins with the chosen pair itself; it is empty when the training kept no trace.
    """

    left: int
    right: int
    product: int
    times: int
    tokens: int
    rivals: tuple[Rival, ...]


@dataclass(frozen=True)
class Bpe:
    """What was learned: the first `alphabet` symbols are single units, the others are products of the merges."""

    symbols: list[str]
    alphabet: int
    merges: list[Merge]
    tokens: int  # of the corpus before the first merge


class _Choice:
    """The pairs in order of choice: a heap whose entries may be out of date and are checked when they come up."""

    def __init__(self, ribbon: Ribbon) -> None:
        self._ribbon = ribbon
        self._keys = [order_key(surface) for surface in ribbon.symbols]
        self._heap = [self._entry(pair) for pair in ribbon.count]
        heapify(self._heap)

    def _entry(self, pair: int) -> Entry:
        return -self._ribbon.count[pair], self._keys[pair >> SHIFT], self._keys[pair & MASK], pair

    def grew(self, pairs: set[int]) -> None:
        keys, count = self._keys, self._ribbon.count
        for surface in self._ribbon.symbols[len(keys) :]:
            keys.append(order_key(surface))
        for pair in pairs:
            heappush(self._heap, (-count[pair], keys[pair >> SHIFT], keys[pair & MASK], pair))

    def best(self, least: int) -> int | None:
        """The pair to merge next, or None when no pair stands at least `least` times."""
        heap, count = self._heap, self._ribbon.count
        while heap:
            negative, left, right, pair = heap[0]
            now = count.get(pair, 0)
            if now == -negative:
                return pair if now >= least else None
            heappop(heap)
            if now and now < -negative:
                heappush(heap, (-now, left, right, pair))
        return None

    def leaders(self, number: int) -> tuple[Rival, ...]:
        """The first pairs in order of choice; the heap is left as it was but for what is out of date."""
        taken: dict[int, Entry] = {}
        while len(taken) < number and self.best(1) is not None:
            entry = heappop(self._heap)
            taken[entry[3]] = entry
        for entry in taken.values():
            heappush(self._heap, entry)
        return tuple(Rival(pair >> SHIFT, pair & MASK, -entry[0]) for pair, entry in taken.items())


def learn(words: Mapping[str, int], merges: int, *, least: int = 1, rivals: int = 8) -> Bpe:
    """Learn up to `merges` merges from words with counts; pairs that stand fewer than `least` times are left alone.

    `rivals` is how many of the best pairs each step keeps (0: no trace, the fastest).
    """
    ribbon = Ribbon(words)
    tokens = ribbon.tokens
    steps = list(_steps(ribbon, merges, least, rivals))
    return Bpe(ribbon.symbols, ribbon.alphabet, steps, tokens)


def _steps(ribbon: Ribbon, merges: int, least: int, rivals: int) -> Iterator[Merge]:
    choice = _Choice(ribbon)
    for _ in range(merges):
        pair = choice.best(least)
        if pair is None:
            return
        count = ribbon.count[pair]
        leaders = choice.leaders(rivals)
        left, right = pair >> SHIFT, pair & MASK
        product = ribbon.number(ribbon.symbols[left] + ribbon.symbols[right], False)
        change = ribbon.merge(pair, product)
        choice.grew(change.grown)
        yield Merge(left, right, product, count, ribbon.tokens, leaders)


def apply(word: str, ranks: Mapping[tuple[str, str], int], limit: int | None = None) -> list[str]:
    """A word cut by merges in the order in which they were learned; `limit` uses only the first so many."""
    parts = list(word)
    while len(parts) > 1:
        ranked = [ranks.get(pair, -1) for pair in pairwise(parts)]
        known = [rank for rank in ranked if rank >= 0 and (limit is None or rank < limit)]
        if not known:
            break
        best = min(known)
        merged: list[str] = []
        at = 0
        while at < len(parts):
            if at < len(ranked) and ranked[at] == best:
                merged.append(parts[at] + parts[at + 1])
                at += 2
            else:
                merged.append(parts[at])
                at += 1
        parts = merged
    return parts
