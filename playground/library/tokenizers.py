"""A tokenizer comes in: one `tokenizer.json`, published only after the inspect worker has opened it.

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
    {"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "model"}
)

Check = Callable[[Path], Mapping[str, Any]]
"""Opens what is in a folder, elsewhere; returns its meta data and raises BadInput."""


def add(owner: User, file: Path, name: str, check: Check) -> Artifact:
    """Take a tokenizer.json over (it is gone afterwards). Raises BadInput, TooLarge; leaves nothing then."""
    clean_name = names.clean(name)
    if file.stat().st_size > MAX_TOKENIZER_BYTES:
        raise TooLarge(_("A tokenizer has at most {limit} bytes.").format(limit=MAX_TOKENIZER_BYTES))
    _outer_form(file)
    folder = staging()
    try:
        shutil.move(file, folder / store.TOKENIZER_FILE)
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


def _outer_form(file: Path) -> None:
    """Refuse what is plainly no tokenizer, without waiting for a worker."""
    try:
        content = json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        raise _bad(_("The file is not JSON.")) from None
    if not isinstance(content, dict) or not isinstance(content.get("model"), dict):
        raise _bad(_("The file is not a tokenizer.json: it has no “model” section."))
    unknown = sorted(set(content) - SECTIONS)
    if unknown:
        raise _bad(_("The file is not a tokenizer.json: it has unknown sections."))


def _bad(message: str) -> BadInput:
    return BadInput(_("This file cannot be a tokenizer."), {"file": [message]})
