"""The starter texts: the same on every machine, varied enough to read, and true to their own facts."""

import re
import string
from random import Random

import pytest

from playground.storyworld import LANGUAGES, Knobs, english, generate
from playground.storyworld.plots import PLOTS
from playground.storyworld.telling import expand
from playground.storyworld.world import build

ENGLISH = generate(1, 120_000, "en")
CHINESE = generate(1, 60_000, "zh")


@pytest.mark.parametrize(("language", "text"), [("en", ENGLISH), ("zh", CHINESE)])
def test_the_same_arguments_give_the_same_text(language: str, text: str) -> None:
    asked = 120_000 if language == "en" else 60_000
    assert generate(1, asked, language) == text
    assert generate(2, 2_000, language) != generate(1, 2_000, language)
    assert asked <= len(text) < asked + 2_000


def test_a_longer_text_continues_a_shorter_one() -> None:
    assert ENGLISH.startswith(generate(1, 5_000, "en").rstrip("\n"))


@pytest.mark.parametrize("text", [ENGLISH, CHINESE])
def test_no_piece_of_the_grammar_is_left_in_the_text(text: str) -> None:
    assert not set("{}[]|") & set(text)
    assert "\n\n\n" not in text
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


def test_english_is_spelt_as_it_should_be() -> None:
    assert "  " not in ENGLISH
    assert not re.search(r" [.,!?]|[.!?] [a-z]", ENGLISH.replace('?" ', "").replace('!" ', ""))
    assert not re.search(r"\ba [aeiou]", ENGLISH)
    assert not re.search(r"\ban [^aeiou]", ENGLISH)
    assert set(ENGLISH) <= set(string.ascii_letters + " \n.,;:!?\"'")


def test_chinese_is_chinese() -> None:
    assert not re.search(r"[A-Za-z ,.!?]", CHINESE)
    assert len(set(CHINESE)) > 400


@pytest.mark.parametrize(("text", "least"), [(ENGLISH, 0.9), (CHINESE, 0.9)])
def test_stories_do_not_repeat(text: str, least: float) -> None:
    stories = text.strip().split("\n\n")
    assert len(set(stories)) / len(stories) > least


def test_facts_hold_throughout() -> None:
    for pattern in [r'"Where does (\w+) live\?" "\w+ lives ([^.]+)\.', r"does (\w+) like best\? \w+ likes ([^.]+)\."]:
        facts: dict[str, set[str]] = {}
        for who, what in re.findall(pattern, ENGLISH):
            facts.setdefault(who, set()).add(what)
        assert len(facts) > 5
        assert all(len(said) == 1 for said in facts.values())


def test_sums_come_out() -> None:
    number = {word: value for value, word in enumerate(english.WORDS["numbers"])}
    sums = re.findall(r"of (\w+) [\w ]+?, (\w+) [\w ]+? were gone, and that left (\w+) ", ENGLISH)
    assert sums
    assert all(number[brought] - number[sold] == number[left] for brought, sold, left in sums)


def test_every_plot_can_be_told_in_every_language() -> None:
    random = Random(3)
    world = build(random, Knobs())
    names = {beat.name for plot in PLOTS for _ in range(200) for beat in plot(random, world)}
    for language in LANGUAGES.values():
        assert names == set(language.beats)


def test_a_smaller_world_has_fewer_people() -> None:
    small = generate(5, 20_000, "en", Knobs(people=4, places=4, things=4, plots=3))
    names = set(re.findall(r"\b[A-Z]\w+\b", ENGLISH))
    assert len({name for name in names if name in small}) < len(names)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="unknown language 'fr'"):
        generate(1, 100, "fr")
    with pytest.raises(ValueError, match="people must lie between 4 and 24, not 3"):
        Knobs(people=3)
    with pytest.raises(ValueError, match="left open"):
        expand(Random(1), "[a|b")
    with pytest.raises(ValueError, match="not opened"):
        expand(Random(1), "a|b]")
