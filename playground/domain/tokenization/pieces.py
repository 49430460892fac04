"""A SentencePiece `.model`, opened by the `sentencepiece` library itself: exact by definition, whatever is in it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import sentencepiece
from numpy.typing import NDArray

from playground.domain.errors import BadInput
from playground.domain.tokenization.cut import Cut, Ints, Text, from_offsets
from playground.domain.tokenization.joints import Joints
from playground.domain.tokenization.tokenizer import Algorithm, Card, Vocabulary

SPACE = "\u2581"


class Pieces:
    """A loaded SentencePiece model. Raises BadInput for a file that the library refuses."""

    def __init__(self, content: bytes, *, id: str, title: str, origin: Any, about: str) -> None:
        self._model = sentencepiece.SentencePieceProcessor()
        try:
            self._model.LoadFromSerializedProto(content)
            size = self._model.get_piece_size()
        except (RuntimeError, OSError) as error:
            if "ParseFromArray" in str(error):
                raise BadInput("This is no SentencePiece model, or it is damaged.") from None
            raise BadInput(f"The SentencePiece model cannot be opened: {str(error)[:300]}") from None
        if size == 0:
            raise BadInput("The SentencePiece model has no pieces.")
        unknown = self._model.unk_id()
        self.card = Card(
            id=id,
            title=title,
            algorithm=self._algorithm(content),
            size=size,
            byte_level=False,
            origin=origin,
            about=about,
            normalizes=True,
            unknown=unknown if unknown >= 0 else None,
            special={self._model.id_to_piece(k): k for k in range(size) if self._model.is_control(k)},
        )
        # Its sums are rounded to 24 bits over the whole text, spaces included: no place is certain.
        self.joints = Joints([])
        self._spells = np.array([self._model.is_byte(k) for k in range(size)], dtype=np.int32)

    def _algorithm(self, content: bytes) -> Algorithm:
        """Only Unigram's scores are probabilities; BPE's are the negative ranks 0, -1, -2 ..."""
        scores = [
            self._model.get_score(k)
            for k in range(self._model.get_piece_size())
            if not (self._model.is_control(k) or self._model.is_unknown(k) or self._model.is_byte(k))
        ]
        return "bpe" if all(score == int(score) for score in scores[:1000]) else "unigram"

    def cut(self, text: str, *, special: bool = True) -> Cut:
        given = Text(text)
        found = self._model.encode(text, return_type="offset_mapping")
        ids = np.array(found["ids"], dtype=np.int32)
        offsets = np.array(found["offsets"], dtype=np.int32).reshape(-1, 2)
        control = np.isin(ids, list(self.card.special.values()))
        spans = _shared(offsets, control)
        cut = from_offsets(given, ids, spans, control, ids == self._model.unk_id(), self._spells[ids])
        return replace(cut, offsets=lambda: offsets)

    def pieces(self, ids: Sequence[int]) -> list[str]:
        return [self._model.id_to_piece(number) for number in ids]

    def vocabulary(self) -> Vocabulary:
        size = self._model.get_piece_size()
        spelling: list[str | None] = [self._model.id_to_piece(k) for k in range(size)]
        raw = []
        for number, piece in enumerate(spelling):
            shown = (piece or "").replace(SPACE, " ").encode()
            raw.append(bytes([int((piece or "")[3:5], 16)]) if self._model.is_byte(number) else shown)
        scores = [self._model.get_score(k) for k in range(size)] if self.card.algorithm == "unigram" else None
        return Vocabulary(spelling, raw, frozenset(self.card.special.values()), [], scores)


def _shared(offsets: Ints, control: NDArray[np.bool_]) -> Ints:
    """Of tokens that spell one character the library gives the whole place to the last; here each of them has it."""
    spans = offsets.copy()
    for at in np.flatnonzero((offsets[:, 0] == offsets[:, 1]) & ~control)[::-1]:
        if at + 1 < len(spans) and spans[at + 1, 0] == spans[at, 0]:
            spans[at] = spans[at + 1]
    return spans
