"""The shelf inside the tokenizer child: the starter tokenizers, and the files that the request names."""

import json
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Any

from playground.domain.errors import NotFound
from playground.domain.tokenization import formats
from playground.domain.tokenization.fast import Fast, describe
from playground.domain.tokenization.pieces import Pieces
from playground.domain.tokenization.starter import Starters
from playground.domain.tokenization.tokenizer import Card, Tokenizer

KEPT = 4
"""Opened tokenizers that are kept for the next request."""
MODEL_FILE, PLAIN_FILE = "tokenizer.model", "tokenizer.json"
MAX_TEMPLATE = 100_000
"""Characters; the longest templates of well-known models have 20,000."""
MAX_CONFIG = 4 << 20
"""Bytes of a file that may hold a template: some list thousands of added tokens beside it."""
MAX_TOKEN = 200
ROLES = ("bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token")


class Opened:
    """Opens each folder once; a request sees only the folders that it was given."""

    def __init__(self) -> None:
        self._starters = Starters()
        self._given: dict[str, dict[str, str]] = {}
        self._open: OrderedDict[str, Tokenizer] = OrderedDict()

    def lay(self, given: dict[str, dict[str, str]]) -> None:
        """What this request may use: id -> {"folder", "title", "origin"}."""
        self._given = given

    def cards(self) -> list[Card]:
        """The starter cards; the library's are the web process's to tell."""
        return self._starters.cards()

    def open(self, id: str) -> Tokenizer:
        """Raises NotFound, or BadInput for a file that cannot be opened."""
        item = self._given.get(id)
        if item is None:
            return self._starters.open(id)
        folder = item["folder"]
        if folder not in self._open:
            self._open[folder] = _opened(Path(folder), id, item["title"], item["origin"])
            while len(self._open) > KEPT:
                self._open.popitem(last=False)
        self._open.move_to_end(folder)
        return self._open[folder]


def _opened(folder: Path, id: str, title: str, origin: Any) -> Tokenizer:
    plain, model = folder / PLAIN_FILE, folder / MODEL_FILE
    if plain.is_file():
        library = formats.from_json(plain.read_bytes())
        card = describe(library, id=id, title=title, origin=origin, about="")
        template, named = _speech(folder)
        return Fast(library, card.model_copy(update={"template": template, "named": named}))
    if model.is_file():
        return Pieces(model.read_bytes(), id=id, title=title, origin=origin, about="")
    raise NotFound("Its tokenizer is no longer in the store.")


def _speech(folder: Path) -> tuple[str | None, dict[str, str]]:
    """The chat template beside a tokenizer and the special tokens that it calls by role.

    Nothing else in these files is believed, paths least of all.
    """
    found: Any = {}
    with suppress(ValueError, RecursionError):
        found = json.loads(_small(folder / "tokenizer_config.json") or b"{}")
    if not isinstance(found, dict):
        found = {}
    template = found.get("chat_template")
    if isinstance(template, list):  # several by name, as transformers had them for a while
        named = [item for item in template if isinstance(item, dict)]
        template = next((item.get("template") for item in named if item.get("name") == "default"), None)
    with suppress(UnicodeDecodeError):
        alone = _small(folder / "chat_template.jinja")
        template = alone.decode() if alone is not None else template
    roles = {}
    for role in ROLES:
        token = found.get(role)
        token = token.get("content") if isinstance(token, dict) else token
        if isinstance(token, str) and len(token) <= MAX_TOKEN:
            roles[role] = token
    return template if isinstance(template, str) and len(template) <= MAX_TEMPLATE else None, roles


def _small(path: Path) -> bytes | None:
    """The content of a file of bounded size; None where there is none."""
    if not path.is_file() or path.stat().st_size > MAX_CONFIG:
        return None
    return path.read_bytes()
