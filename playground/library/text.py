"""Reading a corpus once, in pieces: is it UTF-8 text, how long is it, what is its hash.

The file is never held in memory as a whole. What is not text is refused with the byte at which it stops
being text, and with a guess at what it is instead.
"""

import codecs
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from playground.domain.errors import BadInput
from playground.library.rows import RowCounter
from playground.library.scripts import ScriptCounter

CHUNK = 1 << 20
PREVIEW = 500
"""Characters of a corpus that are kept with its row, for the library's list."""

_FORMATS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", gettext_noop("a PDF document")),
    (b"PK\x03\x04", gettext_noop("a ZIP archive or an office document")),
    (b"\x1f\x8b", gettext_noop("a gzip archive")),
    (b"7z\xbc\xaf\x27\x1c", gettext_noop("a 7-Zip archive")),
    (b"BZh", gettext_noop("a bzip2 archive")),
    (b"\xfd7zXZ", gettext_noop("an xz archive")),
    (b"\x28\xb5\x2f\xfd", gettext_noop("a Zstandard archive")),
    (b"\x89PNG", gettext_noop("a PNG picture")),
    (b"\xff\xd8\xff", gettext_noop("a JPEG picture")),
    (b"GIF8", gettext_noop("a GIF picture")),
    (b"SQLite format 3\x00", gettext_noop("an SQLite database")),
    (b"PAR1", gettext_noop("a Parquet table")),
    (b"\x7fELF", gettext_noop("a program")),
    (b"\xff\xfe", gettext_noop("text in UTF-16; save it as UTF-8")),
    (b"\xfe\xff", gettext_noop("text in UTF-16; save it as UTF-8")),
)


@dataclass(frozen=True)
class TextFacts:
    """What one pass over a text file says about it; `rows` is empty for a text that is no JSONL."""

    sha256: str
    bytes: int
    characters: int
    lines: int
    language_mix: dict[str, float]
    preview: str
    rows: dict[str, Any]


def examine(path: Path) -> TextFacts:
    """Read a file through once. Raises BadInput for an empty file and for what is not UTF-8 text."""
    digest = hashlib.sha256()
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    scripts, rows = ScriptCounter(), RowCounter()
    size = characters = newlines = 0
    preview, last, visible = "", "", False
    with path.open("rb") as source:
        start = source.read(16)
        source.seek(0)
        while True:
            chunk = source.read(CHUNK)
            text = _decode(decoder, chunk, size, start)
            digest.update(chunk)
            size += len(chunk)
            characters += len(text)
            newlines += text.count("\n")
            preview = (preview + text[:PREVIEW])[:PREVIEW]
            last = text[-1:] or last
            visible = visible or not (text.isspace() or not text)
            scripts.add(text)
            rows.add(text)
            if not chunk:
                break
    if size == 0:
        raise _bad(_("The file is empty: it has 0 bytes."))
    if not visible:
        raise _bad(_("The file has no visible character, only spaces and line ends."))
    lines = newlines + (last != "\n")
    return TextFacts(digest.hexdigest(), size, characters, lines, scripts.shares(), preview, rows.facts())


def _decode(decoder: codecs.IncrementalDecoder, chunk: bytes, offset: int, start: bytes) -> str:
    """The text of the next chunk, which begins at byte `offset`; an empty one is the end of the file."""
    # Bytes of a character that the chunk before cut in two come first in what the decoder reports on.
    pending = len(decoder.getstate()[0])
    try:
        text = decoder.decode(chunk, final=not chunk)
    except UnicodeDecodeError as error:
        raise _not_text(start, offset - pending + error.start) from None
    zero = chunk.find(b"\0")
    if zero >= 0:
        raise _not_text(start, offset + zero)
    return text


def _not_text(start: bytes, offset: int) -> BadInput:
    guess = next((words for magic, words in _FORMATS if start.startswith(magic)), None)
    if guess is not None:
        where = _("The file is not UTF-8 text, from byte {offset} on. It looks like {format}.")
        return _bad(where.format(offset=offset, format=_(guess)))
    return _bad(
        _("The file is not UTF-8 text: the byte at offset {offset} belongs to no character.").format(offset=offset)
    )


def _bad(message: str) -> BadInput:
    return BadInput(_("This file cannot be a corpus."), {"file": [message]})
