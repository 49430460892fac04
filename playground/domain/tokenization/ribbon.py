"""All words of a corpus end to end as a linked list of symbols, with pair counts that follow every merge.

A merge touches only the places where its pair stands, so that thousands of merges over a megabyte cost about as much
as reading it a few times. The order among equal pairs is fixed: the pair that comes later in Unicode order wins,
which makes a training the same on every machine and in every run.
"""

from collections.abc import Mapping
from typing import NamedTuple

SHIFT = 32
MASK = (1 << SHIFT) - 1
_TURN = bytes(255 - value for value in range(256))


def pair_key(left: int, right: int) -> int:
    """Two symbol numbers as one integer, which hashes faster than a tuple."""
    return left << SHIFT | right


def order_key(surface: str) -> str:
    """A string that sorts the other way round: what is later in Unicode order comes first. UTF-8 keeps that order."""
    return surface.encode("utf-8", "surrogatepass").translate(_TURN).decode("latin-1") + "\u0100"


class Change(NamedTuple):
    """What one merge did: how many places (weighted by their words' counts) and which pairs now stand more often."""

    places: int
    grown: set[int]
    shrunk: set[int]


class Ribbon:
    """The corpus. `symbols` are the surfaces by number; `count` maps a pair's key to its weighted number of places."""

    def __init__(self, words: Mapping[str, int], *, continuing: bool = False) -> None:
        """`continuing` keeps a character inside a word apart from the same one at its start, as WordPiece does."""
        self.symbols: list[str] = []
        self.starts: list[bool] = []
        self.numbers: dict[tuple[str, bool], int] = {}
        self.count: dict[int, int] = {}
        self.tokens = 0
        self._where: dict[int, list[int]] = {}
        self._symbol: list[int] = []
        self._before: list[int] = []
        self._after: list[int] = []
        self._weight: list[int] = []
        inner = {character for word in words for character in (word[1:] if continuing else word)}
        first = {word[0] for word in words if word} if continuing else set()
        for surface, start in sorted([(c, False) for c in inner] + [(c, True) for c in first]):
            self.number(surface, start)
        self._lay(words, continuing)
        self.alphabet = len(self.symbols)

    def number(self, surface: str, start: bool) -> int:
        """The symbol's number; the same surface always has the same one, however it was made."""
        found = self.numbers.get((surface, start))
        if found is None:
            found = self.numbers[surface, start] = len(self.symbols)
            self.symbols.append(surface)
            self.starts.append(start)
        return found

    def _lay(self, words: Mapping[str, int], continuing: bool) -> None:
        at = 0
        inner = {surface: number for (surface, start), number in self.numbers.items() if not start}
        first = {surface: number for (surface, start), number in self.numbers.items() if start} if continuing else inner
        count, where = self.count, self._where
        for word, times in words.items():
            if not word:
                continue
            numbers = [first[word[0]], *[inner[character] for character in word[1:]]]
            length = len(numbers)
            self._symbol += numbers
            self._before.append(-1)
            self._before += range(at, at + length - 1)
            self._after += range(at + 1, at + length)
            self._after.append(-1)
            self._weight += [times] * length
            self.tokens += times * length
            left = numbers[0]
            for place, right in enumerate(numbers[1:], start=at):
                pair = left << SHIFT | right
                if pair in count:
                    count[pair] += times
                    where[pair].append(place)
                else:
                    count[pair] = times
                    where[pair] = [place]
                left = right
            at += length

    def merge(self, pair: int, new: int) -> Change:
        """Replace the pair by symbol `new` from left to right, wherever it stands."""
        left, right = pair >> SHIFT, pair & MASK
        symbol, before, after, weight = self._symbol, self._before, self._after, self._weight
        count, where = self.count, self._where
        places = where.pop(pair)
        if left == right:
            places = sorted(places)  # only a pair of equals can overlap itself
        grown: set[int] = set()
        shrunk: set[int] = set()
        total = 0
        for place in places:
            second = after[place]
            if second < 0 or symbol[place] != left or symbol[second] != right:
                continue
            times = weight[place]
            total += times
            earlier, later = before[place], after[second]
            if earlier >= 0:
                other = symbol[earlier]
                old, fresh = other << SHIFT | left, other << SHIFT | new
                count[old] -= times
                shrunk.add(old)
                if fresh in where:
                    count[fresh] += times
                    where[fresh].append(earlier)
                else:
                    count[fresh] = times
                    where[fresh] = [earlier]
                grown.add(fresh)
            if later >= 0:
                other = symbol[later]
                old, fresh = right << SHIFT | other, new << SHIFT | other
                count[old] -= times
                shrunk.add(old)
                before[later] = place
                if fresh in where:
                    count[fresh] += times
                    where[fresh].append(place)
                else:
                    count[fresh] = times
                    where[fresh] = [place]
                grown.add(fresh)
            symbol[place] = new
            symbol[second] = -1
            after[place] = later
        del count[pair]
        self.tokens -= total
        shrunk.discard(pair)
        grown.discard(pair)
        for old in shrunk:
            if count[old] == 0:
                del count[old], where[old]
        return Change(total, {key for key in grown if key in count}, shrunk)

    def words(self) -> list[list[int]]:
        """Every unique word as its symbol numbers, in order (for tests and for showing a small corpus)."""
        found: list[list[int]] = []
        for place, number in enumerate(self._symbol):
            if number >= 0 and self._before[place] < 0:
                word = []
                at = place
                while at >= 0:
                    word.append(self._symbol[at])
                    at = self._after[at]
                found.append(word)
        return found
