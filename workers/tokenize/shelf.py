"""The shelf inside the tokenizer child: the starter tokenizers, and the files that the request names."""

import json
from collections import OrderedDict
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
        return Fast(library, card.model_copy(update={"template": _template(folder)}))
    if model.is_file():
        return Pieces(model.read_bytes(), id=id, title=title, origin=origin, about="")
    raise NotFound("Its tokenizer is no longer in the store.")


def _template(folder: Path) -> str | None:
    """The chat template out of `tokenizer_config.json`; nothing else there is believed, paths least of all."""
    path = folder / "tokenizer_config.json"
    if not path.is_file() or path.stat().st_size > 10 * MAX_TEMPLATE:
        return None
    try:
        found = json.loads(path.read_bytes()).get("chat_template")
    except (ValueError, AttributeError, RecursionError):
        return None
    return found if isinstance(found, str) and len(found) <= MAX_TEMPLATE else None
