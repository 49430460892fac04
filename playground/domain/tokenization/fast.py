"""A tokenizer of the `tokenizers` library, with the exact bytes of every token.

The library gives character offsets, in which all tokens that share a character look alike. For byte-level vocabularies
the pieces themselves say their bytes, and where these, joined, are the text, they are taken instead.
"""

import json
import re
from collections.abc import Sequence
from functools import cached_property, partial
from itertools import chain
from typing import Any

import numpy as np
from tokenizers import Encoding
from tokenizers import Tokenizer as Library

from playground.domain.tokenization import alphabet, seams
from playground.domain.tokenization.cut import Cut, Ints, Text, from_lengths, from_offsets
from playground.domain.tokenization.joints import Joints
from playground.domain.tokenization.tokenizer import Algorithm, Card, Vocabulary

ALGORITHMS: dict[str, Algorithm] = {"BPE": "bpe", "WordPiece": "wordpiece", "Unigram": "unigram", "WordLevel": "word"}
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


class Fast:
    """Truncation and padding that a file asks for are switched off: the whole text is to be seen."""

    def __init__(self, library: Library, card: Card) -> None:
        library.no_truncation()
        library.no_padding()
        self.library = library
        self.card = card

    @cached_property
    def _spec(self) -> dict[str, Any]:
        spec: dict[str, Any] = json.loads(self.library.to_str())
        return spec

    @cached_property
    def _added(self) -> dict[int, str]:
        return {token["id"]: token["content"] for token in self._spec["added_tokens"]}

    @cached_property
    def _control(self) -> frozenset[int]:
        return frozenset(token["id"] for token in self._spec["added_tokens"] if token["special"])

    @cached_property
    def _raw(self) -> list[bytes]:
        """What each id stands for; b"" for unused ids."""
        table = [b""] * _length(self.library.get_vocab(with_added_tokens=True))
        for piece, number in self.library.get_vocab(with_added_tokens=True).items():
            table[number] = self._meaning(piece, number)
        return table

    def _meaning(self, piece: str, number: int) -> bytes:
        if number in self._added:
            return self._added[number].encode()
        if self.card.byte_level:
            read = alphabet.read(piece)
            return piece.encode() if read is None else read
        byte = _BYTE.fullmatch(piece)
        if byte:
            return bytes([int(byte[1], 16)])
        return piece.removeprefix("##").replace("\u2581", " ").encode()

    @cached_property
    def joints(self) -> Joints:
        pieces = self._spec["model"]["vocab"] if self.card.algorithm == "unigram" else None
        return Joints(self._raw, None if pieces is None else dict(pieces))

    @cached_property
    def _lengths(self) -> np.ndarray:
        return np.array([len(raw) for raw in self._raw] or [0], dtype=np.int32)

    @cached_property
    def _spells(self) -> np.ndarray:
        marks = np.zeros(len(self._lengths), dtype=np.int32)
        for piece, number in self.library.get_vocab(with_added_tokens=False).items():
            marks[number] = _BYTE.fullmatch(piece) is not None
        return marks

    def cut(self, text: str, *, special: bool = True) -> Cut:
        given = Text(text)
        encoding: Encoding = self.library.encode(text, add_special_tokens=special)
        ids = np.array(encoding.ids, dtype=np.int32)
        added = np.array(encoding.special_tokens_mask, dtype=np.bool_)
        control = added | np.isin(ids, list(self._control)) if self._control else added
        unknown = ids == self.card.unknown if self.card.unknown is not None else np.zeros(len(ids), dtype=np.bool_)
        if self.card.byte_level:
            lengths = np.where(added, 0, self._lengths[ids]).astype(np.int32)
            joined = b"".join(
                [self._raw[number] for number, mark in zip(ids.tolist(), added.tolist(), strict=True) if not mark]
            )
            if joined == given.raw:
                return from_lengths(given, ids, partial(_offsets, encoding), lengths, control, unknown)
        return from_offsets(given, ids, _offsets(encoding), control, unknown & ~added, self._spells[ids])

    def pieces(self, ids: Sequence[int]) -> list[str]:
        return [self._spelling[number] or "" for number in ids]

    @cached_property
    def _spelling(self) -> list[str | None]:
        spelling: list[str | None] = [None] * len(self._raw)
        for piece, number in self.library.get_vocab(with_added_tokens=True).items():
            spelling[number] = piece
        return spelling

    def vocabulary(self) -> Vocabulary:
        numbers = self.library.get_vocab(with_added_tokens=True)
        merges = []
        for merge in self._spec["model"].get("merges", []):
            left, right = merge if isinstance(merge, list) else merge.split(" ", 1)
            merges.append((numbers[left], numbers[right], numbers[left + right]))
        scores = self._spec["model"].get("vocab") if self.card.algorithm == "unigram" else None
        return Vocabulary(
            self._spelling, self._raw, self._control, merges, None if scores is None else [score for _, score in scores]
        )


def _offsets(encoding: Encoding) -> Ints:
    """The library's own offsets: making them costs a fifth of the encoding, so that only who asks pays."""
    flat = chain.from_iterable(encoding.offsets)
    return np.fromiter(flat, dtype=np.int32, count=2 * len(encoding)).reshape(-1, 2)


def _length(vocabulary: dict[str, int]) -> int:
    return max(vocabulary.values(), default=-1) + 1


def describe(library: Library, *, id: str, title: str, origin: Any, about: str) -> Card:
    """The card of a loaded tokenizer, read off its own description."""
    spec = json.loads(library.to_str())
    model = spec["model"]
    control = {token["content"]: token["id"] for token in spec["added_tokens"] if token["special"]}
    unknown = model.get("unk_token") or None
    number = library.token_to_id(unknown) if unknown else model.get("unk_id")
    byte_level = _mentions(spec, "ByteLevel")
    return Card(
        id=id,
        title=title,
        algorithm=ALGORITHMS[model["type"]],
        size=library.get_vocab_size(with_added_tokens=True),
        byte_level=byte_level,
        origin=origin,
        about=about,
        normalizes=spec["normalizer"] is not None,
        unknown=number,
        special=control,
        seams=seams.claims_of(library, spec, byte_level=byte_level),
    )


def _mentions(spec: dict[str, Any], kind: str) -> bool:
    parts = [spec["pre_tokenizer"], spec["decoder"]]
    while parts:
        part = parts.pop()
        if not part:
            continue
        if part["type"] == kind:
            return True
        parts += part.get("pretokenizers", []) + part.get("decoders", [])
    return False
