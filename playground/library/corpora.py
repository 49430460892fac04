"""A corpus comes in: one file, read once from disk, kept if it is text."""

from pathlib import Path

from django.utils.translation import gettext as _

from playground.domain.errors import BadInput, TooLarge
from playground.domain.instructions.records import Form, Record, read
from playground.library import artifacts, names, store
from playground.library.models import Artifact, Kind
from playground.library.text import examine
from playground.people.models import User

MAX_EMPTY = 1_000
"""Empty lines at the beginning of a JSONL corpus that are passed over in search of its first row."""
MAX_PREVIEW = 20_000
"""Characters that one look into a corpus may ask for."""


def add(owner: User | None, file: Path, name: str, *, limit: int, source: str = "upload") -> tuple[Artifact, bool]:
    """Take a text file over (it is gone afterwards); returns its row and whether it is new.

    `limit` is in bytes. Raises BadInput for what is not UTF-8 text and for a bad name, TooLarge.
    """
    clean_name = names.clean(name)
    size = file.stat().st_size
    if size > limit:
        raise TooLarge(_("The corpus has {size} bytes; at most {limit} are accepted.").format(size=size, limit=limit))
    facts = examine(file)
    store.current().put_file(Kind.CORPUS, facts.sha256, file)
    meta = {
        "characters": facts.characters,
        "lines": facts.lines,
        "language_mix": facts.language_mix,
        "preview": facts.preview,
        "jsonl": facts.rows,
    }
    return artifacts.record(
        Kind.CORPUS, facts.sha256, facts.bytes, owner=owner, name=clean_name, meta=meta, origin={"source": source}
    )


def text_path(corpus: Artifact) -> Path:
    """The corpus as a file on this machine."""
    return artifacts.path_of(corpus) / store.CORPUS_FILE


def first_record(corpus: Artifact, form: Form | None) -> Record:
    """The first row of a JSONL corpus. Raises BadInput for a corpus that is none, or whose row is of another form."""
    with text_path(corpus).open(encoding="utf-8", newline="\n") as source:
        for number in range(1, MAX_EMPTY):
            record = read(source.readline(MAX_PREVIEW * 50).removesuffix("\n"), number, form)
            if record is not None:
                return record
    raise BadInput(_("The corpus begins with too many empty lines."))


def preview(corpus: Artifact, offset: int, length: int) -> tuple[str, int]:
    """About `length` bytes of text from byte `offset` on, whole characters only, and the offset after them.

    An offset in the middle of a character moves to the character's end.
    """
    with text_path(corpus).open("rb") as source:
        source.seek(offset)
        raw = source.read(min(length, MAX_PREVIEW) + 4)
    begin = 0
    while begin < min(4, len(raw)) and raw[begin] & 0xC0 == 0x80:
        begin += 1
    end = min(length, len(raw))
    while end < len(raw) and raw[end] & 0xC0 == 0x80:
        end += 1
    return raw[begin:end].decode("utf-8", "ignore"), offset + end
