"""Every string that a person may see has a Chinese translation, with the same places in it.

Strings are found where they stand: in gettext calls, in templates, in the front end's t(...) and tn(...),
and in what job kinds, wings and exhibits say of themselves.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from django.conf import settings
from django.test import Client
from django.utils import translation

from playground.domain.registry import exhibits, kinds, wings
from playground.web import catalogue
from tests.web.sentences import sentences, unseen

ROOT = Path(settings.BASE_DIR)
KEYWORDS = {
    "_": None, "gettext": None, "gettext_lazy": None, "gettext_noop": None, "mark": None, "ngettext": (1, 2),
}  # fmt: skip
PLACE = re.compile(r"%?[{(](\w+)[})]s?")
STRING = r"""("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\$]|\\.)*`)"""
CALL = re.compile(rf"(?<![\w.$])t\(\s*{STRING}")
PLURAL = re.compile(rf"(?<![\w.$])tn\(\s*{STRING}\s*,\s*{STRING}")
TRANSLATE = re.compile(r"""{%\s*trans(?:late)?\s+("[^"]*"|'[^']*')""")
BLOCK = re.compile(r"{%\s*blocktrans(?:late)?\b[^%]*%}(.*?){%\s*endblocktrans(?:late)?\s*%}", re.DOTALL)


def in_python() -> Iterator[str]:
    """Strings in gettext calls."""
    for top in ("playground", "workers"):
        for path in sorted((ROOT / top).rglob("*.py")):
            with path.open("rb") as source:
                for _line, message, _comments, _context in extract("python", source, keywords=KEYWORDS):
                    yield from [message] if isinstance(message, str) else message


def in_templates() -> Iterator[str]:
    """Strings in templates."""
    for path in sorted((ROOT / "templates").rglob("*.html")):
        text = path.read_text()
        yield from (match[1][1:-1] for match in TRANSLATE.finditer(text))
        yield from (re.sub(r"{{\s*(\w+)\s*}}", r"%(\1)s", match[1]) for match in BLOCK.finditer(text))


def in_front_end() -> Iterator[str]:
    """Strings in the front end. A call with `${}` in it is no literal, and found by the last test."""
    for path in sources():
        text = path.read_text()
        yield from (literal(match[1]) for match in CALL.finditer(text))
        yield from (literal(match[2]) for match in PLURAL.finditer(text))


def sources() -> list[Path]:
    """The front end's own files, without tests and packages."""
    skip = {"node_modules", "dist", "tests"}
    found = [path for ending in ("ts", "svelte") for path in (ROOT / "frontend").rglob(f"*.{ending}")]
    return sorted(
        path
        for path in found
        if not skip & set(path.relative_to(ROOT).parts)
        and not path.name.endswith((".test.ts", ".generated.ts", ".d.ts"))
    )


def literal(text: str) -> str:
    """The value of a string literal of JavaScript that has no place in it."""
    plain = text if text[0] != "`" else '"""' + text[1:-1] + '"""'
    return str(ast.literal_eval(plain)).replace("\\/", "/")


def in_the_domain() -> Iterator[str]:
    """What kinds, wings and exhibits say of themselves; lessons by paragraph."""
    for kind in kinds().values():
        yield from (kind.title, kind.summary)
        yield from spoken(kind.Params.model_json_schema())
    for wing in wings().values():
        yield from (wing.title, wing.summary)
    for exhibit in exhibits().values():
        yield from (exhibit.title, exhibit.summary)
        yield from (" ".join(part.split()) for part in exhibit.lesson.split("\n\n"))
        yield from (field for field in spoken(exhibit.Params.model_json_schema()))


def spoken(schema: dict[str, Any]) -> Iterator[str]:
    """The titles, descriptions and units of a form's fields."""
    for field in schema.get("properties", {}).values():
        for word in ("title", "description", "unit"):
            if word in field:
                yield field[word]


FINDERS = (in_python, in_templates, in_front_end, in_the_domain)


@pytest.mark.parametrize("finder", FINDERS)
def test_everything_is_translated(finder: Any) -> None:
    known = catalogue.messages("zh-hans")
    missing = sorted({text for text in finder() if text.strip() and text not in known})
    assert not missing, f"{len(missing)} strings have no Chinese translation"


@pytest.mark.parametrize("said", sorted(set(sentences(ROOT))))
def test_finished_sentences_are_recognised(said: str) -> None:
    with translation.override("zh-hans"):
        assert catalogue.sentence(said) != said


def test_each_line_of_a_log_is_a_sentence_in_plain_sight() -> None:
    assert not list(unseen(ROOT))


def test_a_sentence_keeps_its_numbers_and_its_names() -> None:
    with translation.override("zh-hans"):
        told = catalogue.sentence("This tokenizer.json cannot be used: it is larger than 64 MiB.")
        assert told == "这个 tokenizer.json 不能使用：大于 64 MiB。"
        assert "A model is needed." in catalogue.sentence("The corpus of this run, A model is needed., was deleted.")


def test_chinese_and_latin_letters_do_not_touch_where_a_value_stands() -> None:
    with translation.override("zh-hans"):
        told = "The {} of step 3 is not a finite number, and training ended there. {}"
        advice = "A smaller learning rate or a longer warm-up helps."
        assert catalogue.sentence(told.format("held-out loss", advice)).startswith("第 3 步的验证损失不是有限的数")
        assert catalogue.sentence(told.format("norm", advice)).startswith("第 3 步的 norm 不是有限的数")


def test_translations_have_the_same_places() -> None:
    wrong = [
        text
        for text, translated in catalogue.messages("zh-hans").items()
        if not set(PLACE.findall(translated)) <= set(PLACE.findall(text)) | {"count", "n"}
    ]
    assert not wrong


@pytest.mark.parametrize("path", catalogue.parts("zh-hans"), ids=lambda path: path.stem)
def test_a_part_is_sound_and_agrees_with_the_whole(path: Path) -> None:
    whole = catalogue.merged("zh-hans")
    with path.open("rb") as source:
        part = read_po(source, locale="zh_Hans")
    assert not [message.id for message in part if message.id and not message.string]
    assert not [message.id for message in part if message.fuzzy and message.id]
    other = [message.id for message in part if message.id and whole[message.id].string != message.string]
    assert not other, "translated otherwise in another file"


def test_the_front_end_translates_literals_only() -> None:
    calls = re.compile(r"(?<![\w.$])tn?\(\s*`[^`]*\$\{")
    assert not [path.name for path in sources() if calls.search(path.read_text())]


def test_django_speaks_chinese() -> None:
    with translation.override("zh-hans"):
        assert translation.gettext("This field is required.") == "此字段为必填项。"
        said = translation.ngettext(
            "It is in use: the run “{name}” has not ended. Stop it or wait for it.",
            "It is in use: {count} runs have not ended, “{name}” among them. Stop them or wait for them.",
            2,
        )
        assert said.startswith("正在使用中")


def test_the_page_gets_the_catalogue_of_its_language() -> None:
    assert Client().get("/i18n/catalogue.json").json() == {}
    chinese = Client(headers={"accept-language": "zh-CN"}).get("/i18n/catalogue.json").json()
    assert chinese["Library"] == catalogue.messages("zh-hans")["Library"]
