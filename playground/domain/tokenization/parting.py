"""Where a text can be taken apart for all of some tokenizers at once, so that after an edit only a stretch is cut anew.

Places between words come first; where a text has none for long, as Chinese, those inside a run of characters.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from playground.domain.tokenization.seams import Claims, Rule
from playground.domain.tokenization.tokenizer import Tokenizer

EVERY = 160
"""Characters from one seam to the next at least: a window of a few of them is cut in less than a millisecond."""
FAR = 2 * EVERY
"""Characters from the last seam after which one inside a run will do."""
LONGEST = 1 << 15
"""Characters up to which runs are looked into: sums are compared in about 3 µs a character."""
_SPACE = re.compile(r"(?<=[\w.,;:!?])(?= \w)")
# One line break alone: in a run of white space GPT-2's expression keeps the last character apart from the others,
# but not at the end of a text.
_LINE = re.compile(r"(?<=[\w.,;:!?。，！？；：]\n)(?=\w)")
_BOTH = re.compile(f"{_SPACE.pattern}|{_LINE.pattern}")
_MARKS = "。，！？；：、（）《》“”,;:!?()"
_MARK = re.compile(rf"(?<=[\u4e00-\u9fff])(?=[{_MARKS}])")
_HAN = re.compile(rf"(?<=[\u4e00-\u9fff])(?=[\u4e00-\u9fff{_MARKS}])")
_ORDER: list[Rule] = ["none", "spaces", "lines"]


class Parting(NamedTuple):
    """Character places of seams, at least EVERY apart, in order; and how many characters at the beginning may have
    other tokens if something stands before them.
    """

    places: list[int]
    unsure: int


def part(text: str, tokenizers: Sequence[Tokenizer]) -> Parting:
    """The seams that hold for all of the tokenizers."""
    claims = [tokenizer.card.seams for tokenizer in tokenizers]
    if any(claim.composed for claim in claims) and not unicodedata.is_normalized("NFC", text):
        return Parting([], len(text))
    rule = _ORDER[min((_ORDER.index(claim.between) for claim in claims), default=0)]
    if rule == "none":
        return Parting([], len(text))
    between = _SPACE if rule == "spaces" else _BOTH
    runs = _Runs(text, tokenizers)
    inside = _inside(claims) if len(text) <= LONGEST else None
    found: list[int] = []
    at = EVERY
    while at < len(text):
        match = between.search(text, at)
        place = match.start() if match else len(text)
        if inside and place > at + FAR:
            place = _within(text, at, place, inside, runs, tokenizers)
        if place == len(text):
            break
        found.append(place)
        at = place + EVERY
    return Parting(found, runs.unsure)


def _inside(claims: Sequence[Claims]) -> re.Pattern[str] | None:
    kinds = {claim.inside for claim in claims}
    if "never" in kinds:
        return None
    return _MARK if "marks" in kinds else _HAN


def _within(
    text: str, start: int, end: int, inside: re.Pattern[str], runs: "_Runs", tokenizers: Sequence[Tokenizer]
) -> int:
    """The next place inside a run of characters; `end` where there is none before."""
    for match in inside.finditer(text, start, end):
        place = match.start()
        if _parts(text[place - 1], text[place], tokenizers) and runs.certain(place):
            return place
    return end


def _parts(left: str, right: str, tokenizers: Sequence[Tokenizer]) -> bool:
    mark = _MARK.search(left + right) is not None
    for tokenizer in tokenizers:
        inside = tokenizer.card.seams.inside
        asked = inside == "scores" or (inside == "pairs" and not mark)
        if asked and not tokenizer.joints.parts(left, right):
            return False
    return True


class _Runs:
    """The runs without a space of a text, and up to where in each of them sums of scores leave the cut open."""

    def __init__(self, text: str, tokenizers: Sequence[Tokenizer]) -> None:
        self._text = text
        self._edges = [0, *[match.start() for match in re.finditer(" ", text)], len(text)]
        self._joints = [tokenizer.joints for tokenizer in tokenizers if tokenizer.card.seams.inside == "scores"]
        self._open: dict[int, int] = {}

    def certain(self, place: int) -> bool:
        """Whether behind the place, to the end of its run, nothing is open."""
        return place >= self._doubt(bisect_left(self._edges, place))

    @property
    def unsure(self) -> int:
        """Up to where the first run is open, should it have begun before the text."""
        return 0 if self._text.startswith(" ") else self._doubt(1)

    def _doubt(self, number: int) -> int:
        start, end = self._edges[number - 1], self._edges[number]
        if start not in self._open:
            run = self._text[start:end]
            short = len(self._text) <= LONGEST
            found = max((joints.doubt(run) if short else len(run) for joints in self._joints), default=0)
            self._open[start] = start + found if found else 0
        return self._open[start]
