"""Tokens in short form, for exhibits that show a handful of them: a group is never taken apart."""

import re
from collections.abc import Mapping

from pydantic import BaseModel

from playground.domain.tokenization.cut import Cut
from playground.domain.tokenization.tokenizer import Tokenizer


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


def with_added(tokenizer: Tokenizer, text: str, added: Mapping[str, int], *, special: bool) -> tuple[list[Piece], int]:
    """The text cut as libraries do it with added words: these are taken out first, the rest is cut as before.

    Also the number of tokens. Of words that begin alike the longest counts.
    """
    found: list[Piece] = []
    total = 0
    longest_first = sorted(added, key=lambda word: (-len(word), word))
    parts = re.split("(" + "|".join(map(re.escape, longest_first)) + ")", text) if added else [text]
    for part in parts:
        if part in added:
            found.append(Piece(text=part, ids=[added[part]], special=special, unknown=False))
            total += 1
        elif part:
            cut = tokenizer.cut(part, special=False)
            found += pieces(cut)
            total += len(cut.ids)
    return found, total
