"""A tokenizer comes in, in one of four formats, published only after the tokenizer child has opened it.

The library that reads such files can be made to panic by a crafted one, so that no process of ours but a
throw-away child ever opens it. Here only its outer form is looked at.
"""

import json
import shutil
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from playground.domain.errors import BadInput, TooLarge
from playground.library import artifacts, names, store
from playground.library.models import Artifact, Kind
from playground.people.models import User

MAX_TOKENIZER_BYTES = 32 << 20
"""Bytes; the largest in common use, with 250,000 entries, has 17 million."""
SECTIONS = frozenset(
    {
        "version",
        "truncation",
        "padding",
        "added_tokens",
        "normalizer",
        "pre_tokenizer",
        "post_processor",
        "decoder",
        "model",
    }
)

UPLOAD = "upload"
"""The key of the file whose kind is to be found out."""
MODEL_FILE, RANKS_FILE, VOCABULARY_FILE = "tokenizer.model", "ranks.tiktoken", "vocab.json"

Check = Callable[[Path], Mapping[str, Any]]
"""Opens what is in a folder, elsewhere; returns its meta data and raises BadInput."""


def add(owner: User, files: Mapping[str, Path], name: str, check: Check) -> Artifact:
    """Take the files of a tokenizer over (they are gone afterwards). Raises BadInput, TooLarge; leaves nothing then.

    `check` says what they are and leaves what is to be kept: a tokenizer.json, or a SentencePiece model.
    """
    clean_name = names.clean(name)
    if sum(file.stat().st_size for file in files.values()) > MAX_TOKENIZER_BYTES:
        raise TooLarge(_("A tokenizer has at most {limit} bytes.").format(limit=MAX_TOKENIZER_BYTES))
    folder = staging()
    try:
        for target, file in files.items():
            shutil.move(file, folder / (_form(file) if target == UPLOAD else target))
        meta = check(folder)
        return artifacts.adopt(
            Kind.TOKENIZER, folder, owner=owner, name=clean_name, meta=meta, origin={"source": "upload"}
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def staging() -> Path:
    """A new private folder for what is being taken in."""
    folder = Path(settings.FILE_UPLOAD_TEMP_DIR) / uuid.uuid4().hex
    folder.mkdir(mode=0o700, parents=True)
    return folder


def _form(file: Path) -> str:
    """What an upload seems to be, as a file name; refuses what is plainly no tokenizer, without starting a process."""
    raw = file.read_bytes()
    if not raw.lstrip()[:1] in (b"{", b"[", b""):
        return MODEL_FILE if raw[:1] == b"\n" else RANKS_FILE
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        raise _bad(_("The file is not JSON.")) from None
    if isinstance(content, dict) and content and all(type(value) is int for value in content.values()):
        return VOCABULARY_FILE
    if not isinstance(content, dict) or not isinstance(content.get("model"), dict):
        raise _bad(_("The file is not a tokenizer.json: it has no “model” section."))
    unknown = sorted(set(content) - SECTIONS)
    if unknown:
        raise _bad(_("The file is not a tokenizer.json: it has unknown sections."))
    return store.TOKENIZER_FILE


def _bad(message: str) -> BadInput:
    return BadInput(_("This file cannot be a tokenizer."), {"file": [message]})
