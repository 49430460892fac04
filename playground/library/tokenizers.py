"""A tokenizer comes in, in one of four formats, published only after the tokenizer child has opened it.

The library that reads such files can be made to panic by a crafted one, so that no process of ours but a
throw-away child ever opens it. Here only its first bytes are looked at.
"""

import re
import shutil
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from playground.domain import tokenizer_file
from playground.domain.errors import BadInput, TooLarge
from playground.library import artifacts, hub, names, store
from playground.library.models import Artifact, Kind
from playground.people.models import User

MAX_TOKENIZER_BYTES = tokenizer_file.MAX_BYTES
UPLOAD = "upload"
"""The key of the file whose kind is to be found out."""
MODEL_FILE, RANKS_FILE = "tokenizer.model", "ranks.tiktoken"
RANK_LINE = re.compile(rb"[A-Za-z0-9+/]*=* +\S+\r?\n")
"""A piece in base64 and its rank, as tiktoken writes them."""
HEAD = 4096
"""Bytes of a file that say what it is."""

Check = Callable[[Path], Mapping[str, Any]]
"""Opens a file or folder, elsewhere; returns its meta data and raises BadInput."""


def from_hub(owner: User, name: str, check: Check) -> Artifact:
    """Fetch a tokenizer by its name on the hub. Raises what `hub.fetch` and `add` raise; leaves nothing then."""
    folder = staging()
    try:
        files, revision = hub.fetch(name, folder)
        upload = {UPLOAD if len(files) == 1 or file.endswith(".json") else file: path for file, path in files.items()}
        origin = {"source": "hub", "repository": name, "revision": revision}
        return add(owner, upload, name, check, origin, lambda target: hub.speech(name, target))
    except BadInput as error:
        told = [text for texts in error.fields.values() for text in texts]
        raise BadInput(error.message, {"name": told} if told else None, code=error.code) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def add(
    owner: User,
    files: Mapping[str, Path],
    name: str,
    check: Check,
    origin: Mapping[str, Any] | None = None,
    complete: Callable[[Path], None] = lambda folder: None,
) -> Artifact:
    """Take the files of a tokenizer over (they are gone afterwards). Raises BadInput, TooLarge; leaves nothing then.

    `check` says what they are and leaves what is to be kept: a tokenizer.json, or a SentencePiece model; `complete` may
    put more beside it.
    """
    clean_name = names.clean(name)
    if sum(file.stat().st_size for file in files.values()) > MAX_TOKENIZER_BYTES:
        raise TooLarge(_("A tokenizer has at most {limit} bytes.").format(limit=MAX_TOKENIZER_BYTES))
    folder = staging()
    try:
        for target, file in files.items():
            shutil.move(file, folder / (_form(file) if target == UPLOAD else target))
        meta = check(folder)
        complete(folder)
        source = dict(origin or {"source": "upload"})
        return artifacts.adopt(Kind.TOKENIZER, folder, owner=owner, name=clean_name, meta=meta, origin=source)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def staging() -> Path:
    """A new private folder for what is being taken in."""
    folder = Path(settings.FILE_UPLOAD_TEMP_DIR) / uuid.uuid4().hex
    folder.mkdir(mode=0o700, parents=True)
    return folder


def _form(file: Path) -> str:
    """What an upload seems to be by its beginning, as a file name. Millions of merges are parsed by the child alone:
    here everybody else would wait.
    """
    with file.open("rb") as source:
        head = source.read(HEAD)
    if head.startswith(b"\n"):  # the first field of a SentencePiece model
        return MODEL_FILE
    return RANKS_FILE if RANK_LINE.match(head) else store.TOKENIZER_FILE
