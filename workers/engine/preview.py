"""What the network sees: the batches of a run before it is queued, by the very functions that the run uses.

The text is prepared as the run would prepare it, in the same cache, so that the run afterwards starts at once. A text
that is too large to be prepared while somebody waits is said to be so; once a run has prepared it, it is shown.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from tokenizers import Tokenizer, decoders

from playground.domain import preview
from playground.domain.arrays import pack
from playground.domain.errors import BadInput
from playground.domain.kind import Batch, Data
from playground.domain.knobs import Knobs
from playground.domain.messages import InputFile
from playground.domain.preview import (
    PreviewBatch,
    PreviewCounts,
    PreviewExample,
    PreviewHead,
    PreviewLine,
    PreviewPiece,
)
from playground.domain.registry import kinds
from playground.domain.training import MAX_STEPS
from workers.engine.batches import IGNORED
from workers.engine.corpus import file_of, prepare
from workers.engine.port import Port, Wish
from workers.engine.spelling import Spelling

MAX_BYTES = 8 * 2**20
"""Largest text that is cut into tokens for a preview: some seconds on one core, a tokenizer's training included."""
MASKED, REPLACED, KEPT = 1, 2, 3
JOINT = "##"
"""What WordPiece writes before a token that goes on with the word before it."""
LEADS = ((0xF0, 4), (0xE0, 3), (0xC0, 2))
"""The first byte of a character in UTF-8, at least, and how many bytes it has."""


class PreviewParams(Knobs):
    """A run as it would be started, and which of its batches to show. `cache` is the folder that its runs share."""

    kind: str
    params: dict[str, Any]
    inputs: dict[str, InputFile]
    cache: str
    step: int = Field(1, ge=1, le=MAX_STEPS)
    micro: int = Field(0, ge=0)
    batches: int = Field(1, ge=1, le=preview.MAX_BATCHES)


class Guard(Port):
    """Where preparing tells how far it is, and asks whether to go on: not with a text that takes too long."""

    def __init__(self, size: int) -> None:
        super().__init__(Pipe()[0])
        self._size = size

    def send(self, message: object) -> None:
        """Nobody listens."""

    def wish(self) -> Wish | None:
        """Called while the text is being prepared, and only then. Raises BadInput for one that is too large."""
        if self._size > MAX_BYTES:
            raise BadInput(
                f"This text has {self._size / 2**20:,.0f} MiB and is not cut into tokens yet; a preview does that for "
                f"up to {MAX_BYTES // 2**20} MiB. The run does it when it starts, and then its batches are shown here.",
                code="not_prepared",
            )
        return None


def show(params: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """First {"head": ...}, then {"batch": ...} for each batch. Raises BadInput for what gives no batch."""
    asked = PreviewParams.model_validate(params)
    kind = kinds().get(asked.kind)
    if kind is None:
        raise BadInput(f"There is no job kind named {asked.kind}.")
    if kind.work != "train":
        raise BadInput("A run of this kind has no batches.")
    given: Any = kind.Params.model_validate(asked.params)
    corpus, inputs = asked.inputs["corpus"], asked.inputs
    guard = Guard(file_of(corpus, "text.txt").stat().st_size)
    text = prepare(Path(asked.cache), kind, given, corpus, inputs.get("tokenizer") or inputs.get("model"), guard)
    data, micros = text.data, given.gradient_accumulation
    artist = Artist(text.tokenizer, data, texts=kind.reads == "lines")
    head = PreviewHead(
        kind=kind.name,
        attention=kind.attention,
        objective=kind.objective,
        micros=micros,
        tokens=len(data.tokens),
        unknown=_unknown(data.tokens, data),
        vocab_size=data.vocab_size,
        special=data.special,
        joint=artist.joint,
        aims=kind.aims(given),
        notes=list(data.notes),
    )
    yield {"head": head.model_dump(mode="json")}
    first = (asked.step - 1) * micros + min(asked.micro, micros - 1)
    for number in range(first, first + asked.batches):
        step, micro = 1 + number // micros, number % micros
        batch = kind.batch(data, given, "train", step, micro)
        if batch is None:
            raise BadInput("The corpus gives no batch.")
        yield {"batch": artist.draw(batch, step, micro).model_dump(mode="json")}


class Artist:
    """Draws batches of one text; `texts` says that the examples of a row are wanted as texts, too."""

    def __init__(self, tokenizer: Tokenizer, data: Data, *, texts: bool) -> None:
        self._tokenizer, self._spelling, self._texts = tokenizer, Spelling(tokenizer), texts
        self.joint = JOINT if isinstance(tokenizer.decoder, decoders.WordPiece) else None
        self._data = data
        self._marks = np.array(list(data.special.values()), dtype=np.int64)

    def draw(self, batch: Batch, step: int, micro: int) -> PreviewBatch:
        """The picture of one batch."""
        rows, block = batch.inputs.shape
        shown = slice(0, max(1, min(preview.MAX_ROWS, preview.MAX_TOKENS // block)))
        inputs, labels = batch.inputs[shown], batch.labels[shown]
        before = original(batch)[shown]
        documents = None if batch.documents is None else batch.documents[shown]
        lines = [self._line(row, borders(documents, index)) for index, row in enumerate(inputs)]
        changed = batch.changes is not None
        ids = np.unique(np.concatenate([inputs.ravel(), labels[labels != IGNORED]]))
        return PreviewBatch(
            step=step,
            micro=micro,
            rows=rows,
            block=block,
            inputs=pack(inputs),
            labels=pack(labels),
            changes=_packed(batch.changes, shown),
            segments=_packed(batch.segments, shown),
            documents=_packed(batch.documents, shown),
            positions=_packed(batch.positions, shown),
            answers=_packed(batch.answers, shown),
            lines=lines,
            original=[self._line(row, borders(documents, i)) for i, row in enumerate(before)] if changed else None,
            pieces=[self._piece(int(index)) for index in ids],
            examples=self._examples(inputs, labels, documents) if self._texts else None,
            counts=self._counts(batch),
        )

    def _counts(self, batch: Batch) -> PreviewCounts:
        documents, changes = batch.documents, batch.changes
        filled = np.ones(batch.inputs.shape, dtype=bool) if documents is None else documents >= 0
        words = filled & ~np.isin(original(batch), self._marks)
        examples = len(batch.inputs) if documents is None else sum(len(set(row[row >= 0])) for row in documents)

        def changed(how: int) -> int:
            return 0 if changes is None else int((changes == how).sum())

        return PreviewCounts(
            tokens=int(filled.sum()),
            padding=int((~filled).sum()),
            unknown=_unknown(original(batch)[filled], self._data),
            words=int(words.sum()),
            labelled=int((batch.labels != IGNORED).sum()),
            masked=changed(MASKED),
            replaced=changed(REPLACED),
            kept=changed(KEPT),
            examples=examples,
        )

    def _examples(
        self, inputs: NDArray[np.int64], labels: NDArray[np.int64], documents: NDArray[np.int64] | None
    ) -> list[PreviewExample]:
        """The texts of each row without padding, and with what is last to be said, which is no input any more."""
        found = []
        for row, ids in enumerate(inputs):
            for first, last in spans(documents, row, len(ids)):
                end = labels[row, last - 1 : last]
                tokens = [*ids[first:last], *end[end != IGNORED]]
                text = b"".join(self._spelling.spell(int(token)) for token in tokens).decode(errors="ignore")
                found.append(PreviewExample(row=row, first=first, tokens=last - first, text=text))
        return found

    def _spell(self, token: int) -> bytes:
        """The bytes of a token; one that goes on with a word keeps the sign for it."""
        name: str = (self._tokenizer.id_to_token(token) or "") if self.joint else ""
        return name.encode() if self.joint and name.startswith(self.joint) else self._spelling.spell(token)

    def _piece(self, token: int) -> PreviewPiece:
        raw = self._spell(token)
        return PreviewPiece(id=token, text=whole_text(raw), hex=raw.hex(), special=self._spelling.is_special(token))

    def _line(self, ids: NDArray[np.int64], breaks: Iterable[int]) -> PreviewLine:
        """A row as text. No group reaches over a control token or over a border between two examples."""
        spelled = [self._spell(int(token)) for token in ids]
        alone = [at for at, token in enumerate(ids) if self._spelling.is_special(int(token))]
        cuts = sorted({0, len(ids), *breaks, *alone, *(at + 1 for at in alone)})
        texts: list[str] = []
        sizes: list[int] = []
        for start, end in pairwise(cuts):
            for text, size in groups(spelled[start:end]):
                texts.append(text)
                sizes.append(size)
        return PreviewLine(texts=texts, sizes=pack(np.array(sizes, dtype=np.uint16)))


def _unknown(tokens: NDArray[Any], data: Data) -> int:
    return int(np.count_nonzero(tokens == data.special["unk"])) if "unk" in data.special else 0


def original(batch: Batch) -> NDArray[np.int64]:
    """(batch, block): the tokens before any was hidden; those of a batch that hides none are its inputs."""
    if batch.changes is None:
        return batch.inputs
    return np.where((batch.changes > 0) & (batch.labels != IGNORED), batch.labels, batch.inputs)


def spans(documents: NDArray[np.int64] | None, row: int, block: int) -> list[tuple[int, int]]:
    """Where each example of a row begins and ends; the whole row where examples have no numbers."""
    if documents is None:
        return [(0, block)]
    cuts = [0, *borders(documents, row), block]
    return [(start, end) for start, end in pairwise(cuts) if documents[row][start] >= 0]


def borders(documents: NDArray[np.int64] | None, row: int) -> list[int]:
    """The places within a row at which another example, or padding, begins."""
    if documents is None:
        return []
    return [int(place) + 1 for place in np.flatnonzero(np.diff(documents[row]))]


def groups(spelled: list[bytes]) -> Iterator[tuple[str, int]]:
    """Tokens (as bytes) joined to whole characters: the text of each group and its number of tokens.

    Bytes that belong to no whole character, as where a crop begins in the middle of one, have no text.
    """
    inside = within(b"".join(spelled))
    pending: list[bytes] = []
    end = 0
    for part in spelled:
        pending.append(part)
        end += len(part)
        if end not in inside:
            yield b"".join(pending).decode(errors="ignore"), len(pending)
            pending = []


def within(raw: bytes) -> set[int]:
    """The places that lie within a character of UTF-8; one that is not whole has none."""
    found: set[int] = set()
    at = 0
    while at < len(raw):
        size = next((size for lead, size in LEADS if raw[at] >= lead), 1)
        if size > 1 and len(whole_text(raw[at : at + size])) == 1:
            found.update(range(at + 1, at + size))
        else:
            size = 1
        at += size
    return found


def whole_text(raw: bytes) -> str:
    """The text of bytes that are UTF-8 from end to end, else ""."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return ""


def _packed(array: NDArray[Any] | None, rows: slice) -> preview.Packed | None:
    return None if array is None else pack(array[rows])
