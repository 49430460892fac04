"""The check of an uploaded tokenizer, in the uploader's own tokenizer child."""

import json
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from playground.domain.errors import BadInput
from playground.library import store
from playground.library.tokenizers import MODEL_FILE
from playground.people.models import User
from playground.web.apart.pool import pool
from playground.web.catalogue import sentence


def check(user: User, folder: Path) -> dict[str, Any]:
    """Open what is in the folder and leave one file there: tokenizer.json where it can be one. Returns its meta data.

    Raises BadInput with the reason beside the field `file`.
    """
    paths = sorted(path for path in folder.iterdir() if path.is_file())
    try:
        found = json.loads(pool.ask(user.pk, {"verb": "check", "files": [str(path) for path in paths]}))
    except BadInput as error:
        told = sentence(error.message)
        code = "bad_file" if error.code == BadInput.code else error.code
        raise BadInput(_("This file cannot be a tokenizer."), {"file": [told]}, code=code) from None
    if found["meta"]["format"] == "sentencepiece":
        paths[0].rename(folder / MODEL_FILE)
    elif found["tokenizer"] is None:
        paths[0].rename(folder / store.TOKENIZER_FILE)
    else:
        for path in paths:
            path.unlink()
        (folder / store.TOKENIZER_FILE).write_text(found["tokenizer"], encoding="utf-8")
    meta: dict[str, Any] = found["meta"]
    return meta
