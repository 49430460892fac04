"""What a tokenizer makes of a text: ids, places, and each token's share of the text's bytes.

A token of a byte-level vocabulary may hold half a character, and several tokens may share one. Such tokens form one
group, the smallest run that begins and ends between characters, and only whole groups are ever decoded: joined with the
gaps that no token covers (white space that a tokenizer drops), the groups are the text, byte for byte.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]

# A word is a run of letters and digits; every Han character, kana or hangul syllable counts as one, since no space
# parts them.
_ALONE = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_WORDS = re.compile(rf"[{_ALONE}]|[^\W_{_ALONE}]+")


def words_in(text: str) -> int:
    """How many words a text has."""
    return sum(1 for _ in _WORDS.finditer(text))


class Text:
    """A text with its UTF-8 and the maps between character and byte offsets. Raises UnicodeEncodeError for half a
    pair.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.raw = text.encode()
        data = np.frombuffer(self.raw, dtype=np.uint8)
        # boundary[b]: a character begins (or the text ends) at byte b
        self.boundary = np.append((data & 0xC0) != 0x80, True)
        self.byte_of = np.flatnonzero(self.boundary).astype(np.int32)

    @cached_property
    def complete(self) -> Ints:
        """complete[b]: how many characters lie wholly within the first b bytes."""
        # A character is complete where the next one begins.
        return (np.cumsum(self.boundary) - 1).astype(np.int32)

    def floor(self, places: Ints) -> Ints:
        """Byte places moved back to the beginning of their characters."""
        return self.byte_of[self.complete[places]]

    def ceiling(self, places: Ints) -> Ints:
        """Byte places moved on to the end of their characters."""
        whole = self.complete[places]
        return self.byte_of[np.where(self.boundary[places], whole, whole + 1)]


class Group(NamedTuple):
    """A run of tokens (`first` up to but without `last`) that covers whole characters, bytes `start` to `end`."""

    first: int
    last: int
    start: int
    end: int


@dataclass(frozen=True)
class Cut:
    """n tokens. `offsets` makes the (n, 2) character offsets that the tokenizer's own library gives, when asked.

    `byte_starts`, `byte_ends`: the token's share of the text's UTF-8; empty for tokens that stand for no text.
    """

    text: Text
    ids: Ints
    offsets: Callable[[], Ints]
    byte_starts: Ints
    byte_ends: Ints
    special: NDArray[np.bool_]
    unknown: NDArray[np.bool_]

    @cached_property
    def starts(self) -> Ints:
        """(n,) where each token begins, in characters, by its library."""
        return self.offsets()[:, 0]

    @cached_property
    def ends(self) -> Ints:
        """(n,) where each token ends, in characters, by its library."""
        return self.offsets()[:, 1]

    @cached_property
    def first(self) -> NDArray[np.bool_]:
        """Whether a token begins a group: nothing before it reaches into it, and it begins between characters."""
        reach = np.maximum.accumulate(self.byte_ends)
        before = np.concatenate([np.zeros(1, np.int32), reach[:-1]])[: len(self.ids)]
        begins: NDArray[np.bool_] = (self.byte_starts >= before) & self.text.boundary[self.byte_starts]
        begins[:1] = True
        return begins

    @cached_property
    def group_of(self) -> Ints:
        """(n,) the number of each token's group."""
        return (np.cumsum(self.first) - 1).astype(np.int32)

    def groups(self) -> list[Group]:
        """The groups in order."""
        if not len(self.ids):
            return []
        firsts = np.flatnonzero(self.first)
        lasts = np.append(firsts[1:], len(self.ids))
        starts = self.text.floor(np.minimum.reduceat(self.byte_starts, firsts))
        ends = self.text.ceiling(np.maximum.reduceat(self.byte_ends, firsts))
        return [Group(*map(int, row)) for row in zip(firsts, lasts, starts, ends, strict=True)]

    def texts(self) -> list[str]:
        """What can be shown for each token alone: "" for the beginning of a character, the whole of it for its end."""
        text, complete = self.text.text, self.text.complete
        pairs = zip(complete[self.byte_starts].tolist(), complete[self.byte_ends].tolist(), strict=True)
        return [text[start:end] for start, end in pairs]

    def shares(self) -> list[str]:
        """Each token's bytes of the text, as hexadecimal digits."""
        digits = self.text.raw.hex()
        pairs = zip((2 * self.byte_starts).tolist(), (2 * self.byte_ends).tolist(), strict=True)
        return [digits[start:end] for start, end in pairs]


def from_offsets(
    text: Text, ids: Ints, offsets: Ints, special: NDArray[np.bool_], unknown: NDArray[np.bool_], spells: Ints
) -> Cut:
    """A cut from character offsets of shape (n, 2).

    `spells[k]` is 1 where token k stands for one byte (byte fallback) and 0 elsewhere: where several such tokens are
    all said to be at the same character, each is given its own byte of it. Tokens without text stand where the last
    ended.
    """
    count = len(text.text)
    starts, ends = (np.clip(offsets[:, side], 0, count).astype(np.int32) for side in (0, 1))
    byte_starts, byte_ends = text.byte_of[starts], text.byte_of[np.maximum(starts, ends)]
    empty = byte_starts == byte_ends
    reach = np.maximum.accumulate(np.where(empty, 0, byte_ends)) if len(ids) else byte_ends
    byte_starts, byte_ends = np.where(empty, reach, byte_starts), np.where(empty, reach, byte_ends)
    if spells.any():
        _spell(byte_starts, byte_ends, spells)
    return Cut(text, ids, lambda: np.stack([starts, ends], axis=1), byte_starts, byte_ends, special, unknown)


def _spell(starts: Ints, ends: Ints, spells: Ints) -> None:
    """Share a character's bytes among the byte tokens that spell it, in place."""
    at = 0
    while at < len(starts):
        width = int(ends[at] - starts[at])
        run = slice(at, at + width)
        alike = width > 1 and (starts[run] == starts[at]).all() and (ends[run] == ends[at]).all()
        if alike and spells[run].sum() == width:
            starts[run] += np.arange(width, dtype=np.int32)
            ends[run] = starts[run] + 1
            at += width
        else:
            at += 1


def from_lengths(
    text: Text,
    ids: Ints,
    offsets: Callable[[], Ints],
    lengths: Ints,
    special: NDArray[np.bool_],
    unknown: NDArray[np.bool_],
) -> Cut:
    """A cut whose tokens cover the text without gaps, `lengths` bytes each; `offsets` are kept as they are."""
    ends = np.cumsum(lengths, dtype=np.int32)
    return Cut(text, ids, offsets, ends - lengths, ends, special, unknown)
