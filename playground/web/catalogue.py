"""The words of the other language: the .po files of `locale/`, compiled for Django and served to the pages.

Each part of the house keeps its own .po file; together they are one catalogue. English is the source and
needs none.
"""

import os
import re
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.conf import settings
from django.utils.translation import get_language, to_locale

TELLING = 12
"""Characters that a message must have beside its places to be recognised: “{a} of {b}” could be anything."""
NESTED = frozenset({"reason", "advice", "what"})
"""Places that hold a phrase of ours, which is translated as well; all others hold names and numbers."""
_PLACE = re.compile(r"\\\{(\w+)\\\}")
_SEAM = re.compile(r"(?<=[\u4e00-\u9fff])(?=\0[A-Za-z0-9])|(?<=[A-Za-z0-9%]\0)(?=[\u4e00-\u9fff])")
"""Where Chinese meets Latin letters or digits at the border of a place, marked by NUL; a space stands there."""


def parts(language: str) -> list[Path]:
    """The .po files of a language."""
    folders = [Path(root) / to_locale(language) / "LC_MESSAGES" for root in settings.LOCALE_PATHS]
    return sorted(path for folder in folders for path in folder.glob("*.po"))


def merged(language: str) -> Catalog:
    """All parts as one catalogue; where two translate the same text, the first file in the alphabet counts."""
    whole = Catalog(locale=to_locale(language), charset="utf-8", fuzzy=False)
    for path in parts(language):
        with path.open("rb") as source:
            for message in read_po(source, locale=to_locale(language)):
                if message.id and message.string and whole.get(message.id, message.context) is None:
                    whole.add(message.id, message.string, context=message.context)
    return whole


def compile_all() -> list[Path]:
    """Write each language's django.mo; returns the files written."""
    written = []
    for language, _name in settings.LANGUAGES:
        found = parts(language)
        if found:
            target = found[0].with_name("django.mo")
            draft = target.with_name(f".django.mo.{os.getpid()}")
            with draft.open("wb") as out:
                write_mo(out, merged(language))
            draft.replace(target)
            written.append(target)
    return written


@cache
def messages(language: str) -> dict[str, str]:
    """English text -> translation, for the front end; plural forms under the text of the singular and the plural."""
    found: dict[str, str] = {}
    for message in merged(language):
        ids = message.id if isinstance(message.id, tuple | list) else (message.id,)
        strings = message.string if isinstance(message.string, tuple | list) else (message.string,)
        for number, text in enumerate(ids):
            if text:
                found[str(text)] = str(strings[min(number, len(strings) - 1)])
    return found


@cache
def _patterns(language: str) -> list[tuple[re.Pattern[str], str]]:
    """The messages with places in them, as patterns of the finished English sentence, the most telling first."""
    found = []
    for text, translation in messages(language).items():
        escaped = re.escape(text)
        names, said = _PLACE.findall(escaped), len(_PLACE.sub("", escaped))
        if names and len(names) == len(set(names)) and said >= TELLING:
            found.append((said, re.compile(_PLACE.sub(r"(?P<\1>.+?)", escaped), re.DOTALL), translation))
    found.sort(key=lambda entry: -entry[0])
    return [(pattern, translation) for _said, pattern, translation in found]


def sentence(text: str) -> str:
    """An English sentence from a part that knows no Django, in the reader's language.

    Such a part (a job kind, an engine) has put its numbers into the sentence already; the catalogue's
    message with `{places}` that fits it is found again, and its places are filled from the sentence.
    """
    language = get_language() or settings.LANGUAGE_CODE
    known = messages(language)
    if not text or not known:
        return text
    if text in known:
        return known[text]
    for pattern, translation in _patterns(language):
        match = pattern.fullmatch(text)
        if match:
            places = match.groupdict()
            told = {name: sentence(said) if name in NESTED else said for name, said in places.items()}
            marked = translation.format(**{name: f"\0{said}\0" for name, said in told.items()})
            return _SEAM.sub(" ", marked).replace("\0", "")
    return text
