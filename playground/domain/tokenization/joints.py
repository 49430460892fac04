"""Which neighbouring characters the pieces of a vocabulary join, and where a sum of scores leaves the cut open.

Where no piece holds two neighbours together, every way of cutting cuts between them. Merges work on the pieces of one
side only; and of Unigram's sums the parts on both sides are compared each among themselves. But sums are rounded, and
how depends on what stands before: two ways that weigh the same may change places. There nothing is certain.
"""

from collections.abc import Iterable, Mapping

NEAR = 1e-6
"""Natural logarithm. Rounding moves a sum over a megabyte of text by less than a thousandth of it."""
UNKNOWN_PENALTY = 10.0
"""What the library takes off the least score for a character that the vocabulary lacks."""


class Joints:
    """Read off the bytes of all pieces; of Unigram's vocabularies also from the `scores` of the pieces."""

    def __init__(self, raws: Iterable[bytes], scores: Mapping[str, float] | None = None) -> None:
        self._pairs = {pair for raw in raws if not raw.isascii() for pair in _pairs(raw)}
        self._scores = dict(scores or {})
        self._begun = {piece[:length] for piece in self._scores for length in range(1, len(piece) + 1)}
        self._unknown = min(self._scores.values(), default=0.0) - UNKNOWN_PENALTY

    def parts(self, left: str, right: str) -> bool:
        """Whether every cut parts two neighbours: no piece joins them, nor are both unknown and so taken together."""
        if self._scores and left not in self._scores and right not in self._scores:
            return False
        before, after = left.encode(), right.encode()
        return not any(
            before[-end:] + after[:start] in self._pairs
            for end in range(1, len(before) + 1)
            for start in range(1, len(after) + 1)
        )

    def doubt(self, run: str) -> int:
        """The last place in a run without white space where two ways of cutting weigh nearly the same; else 0."""
        if not self._scores:
            return 0
        run = run.replace(" ", "\u2581")
        best: list[float | None] = [0.0] + [None] * len(run)
        doubtful = 0
        for start in range(len(run)):
            here = best[start]
            if here is None:
                continue
            ends = [(start + 1, self._unknown)] if run[start] not in self._scores else []
            for end in range(start + 1, len(run) + 1):
                piece = run[start:end]
                if piece in self._scores:
                    ends.append((end, self._scores[piece]))
                elif piece not in self._begun:
                    break
            for end, score in ends:
                known = best[end]
                if known is not None and abs(known - here - score) < NEAR:
                    doubtful = max(doubtful, end)
                if known is None or here + score > known:
                    best[end] = here + score
        return doubtful


def _pairs(raw: bytes) -> Iterable[bytes]:
    """What a piece holds of each two neighbours, the outer ones perhaps in part."""
    edges = [at for at in range(1, len(raw)) if raw[at] & 0xC0 != 0x80]
    for before, at, after in zip([0, *edges], edges, [*edges[1:], len(raw)], strict=False):
        if raw[at] >= 0x80 or raw[at - 1] >= 0x80:
            yield raw[before:after]
