"""Names that people give to artifacts, jobs and tokens: any script, emoji and markup, but one printable line."""

import unicodedata

from django.utils.translation import gettext as _

from playground.domain.errors import BadInput

MAX_NAME = 200
"""Characters; enough for any title, and what the column holds."""

# Overrides of the writing direction make a name show as another one.
_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp", "Cn"})


def clean(name: str, field: str = "name") -> str:
    """The name in Unicode's composed form, without spaces around it. Raises BadInput for `field`."""
    composed = unicodedata.normalize("NFC", name[: 4 * MAX_NAME]).strip()
    if not composed:
        raise _bad(field, _("A name needs at least one visible character."))
    if len(composed) > MAX_NAME or len(name) > 4 * MAX_NAME:
        raise _bad(field, _("A name has at most {limit} characters.").format(limit=MAX_NAME))
    if any(letter in _DIRECTION or unicodedata.category(letter) in _UNPRINTABLE for letter in composed):
        raise _bad(field, _("A name is one line of printable text, without control characters."))
    return composed


def from_file(filename: str, fallback: str) -> str:
    """A name for an upload that came without one: the file's, without folders and ending."""
    stem = filename.replace("\\", "/").rpartition("/")[2].rpartition(".")
    printable = "".join(letter for letter in (stem[0] or stem[2]) if letter.isprintable() and letter not in _DIRECTION)
    return printable.strip()[:MAX_NAME] or fallback


def _bad(field: str, message: str) -> BadInput:
    return BadInput(_("The name cannot be used."), {field: [message]})
