"""What a text says of itself as JSONL: how many rows, which keys they all have, and which row is unlike the others.

A text whose first line is no JSON object is no JSONL, and costs nothing more; of a text that begins as one every line
is looked at as it comes by.
"""

from typing import Any

from playground.domain.instructions.records import KEYS, MAX_LINE, Form, form_of, parse

MAX_KEYS, KEY_CHARACTERS = 40, 80
"""Keys that are kept, and how long they may be; rows have a handful of short ones."""


class RowCounter:
    """Takes a text piece by piece; `facts` are empty for one that is no JSONL."""

    def __init__(self) -> None:
        self._rest = ""
        self._number = self._rows = 0
        self._keys: dict[str, None] = {}
        self._forms: dict[Form, int] = dict.fromkeys(KEYS, 0)
        self._without: dict[str, int] = {}
        self._unfit: int | None = None
        self._long: int | None = None
        self._begun = self._other = False

    def add(self, text: str) -> None:
        """The next piece; "" is the end."""
        if not self._begun and text.strip("\ufeff \r\n\t"):
            self._begun = True
            self._other = not text.strip("\ufeff \r\n\t").startswith("{")
        if self._other:
            return
        *whole, self._rest = (self._rest + text).split("\n")
        if not text:
            whole, self._rest = [*whole, self._rest], ""
        for line in whole:
            self._line(line)
        if len(self._rest) > MAX_LINE:
            self._long = self._number + 1
            self._other = True

    def facts(self) -> dict[str, Any]:
        """{"rows", "keys", "forms", "without", "unfit", "long"}.

        `keys` are those of every row, `forms` counts the rows of each known form, `without` has the first row that is
        not of a form, and `unfit` the first that is of none. `long` is a row too long to be one, up to which the others
        were counted.
        """
        if (self._other and self._long is None) or not self._rows:
            return {}
        return {
            "rows": self._rows,
            "keys": [key for key in self._keys if _plain(key)][:MAX_KEYS],
            "forms": {form: count for form, count in self._forms.items() if count},
            "without": self._without,
            "unfit": self._unfit,
            "long": self._long,
        }

    def _line(self, line: str) -> None:
        self._number += 1
        if not line.strip() or self._other:
            return
        row = parse(line)
        if row is None and not self._rows:
            self._other = True
            return
        found = row or {}
        self._keys = dict.fromkeys(found) if not self._rows else {key: None for key in self._keys if key in found}
        self._rows += 1
        for form, needed in KEYS.items():
            if all(key in found for key in needed):
                self._forms[form] += 1
            else:
                self._without.setdefault(form, self._number)
        if form_of(found) is None and self._unfit is None:
            self._unfit = self._number


def _plain(key: str) -> bool:
    """Whether a key can be stored and shown: neither a database nor a page takes half a character or a zero."""
    return len(key) <= KEY_CHARACTERS and key.isprintable()
