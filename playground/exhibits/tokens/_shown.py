"""Tokens in short form, for exhibits that show a handful of them: a group is never taken apart."""

from pydantic import BaseModel

from playground.domain.tokenization.cut import Cut


class Piece(BaseModel):
    """A group of tokens and the text that it covers; a gap that no token covers has no ids."""

    text: str
    ids: list[int]
    special: bool
    unknown: bool


def pieces(cut: Cut) -> list[Piece]:
    """The groups and the gaps between them; their texts, joined, are the input."""
    found: list[Piece] = []
    at = 0
    raw = cut.text.raw
    for group in cut.groups():
        if group.start > at:
            found.append(Piece(text=raw[at : group.start].decode(), ids=[], special=False, unknown=False))
        members = slice(group.first, group.last)
        found.append(
            Piece(
                text=raw[group.start : group.end].decode(),
                ids=cut.ids[members].tolist(),
                special=bool(cut.special[members].any()),
                unknown=bool(cut.unknown[members].any()),
            )
        )
        at = max(at, group.end)
    if at < len(raw):
        found.append(Piece(text=raw[at:].decode(), ids=[], special=False, unknown=False))
    return found
