"""The stories' English: how the words of `english.toml` fill the slots, and how sentences are mended."""

import re
from collections.abc import Mapping
from random import Random

from playground.storyworld.plots import Beat
from playground.storyworld.telling import Language
from playground.storyworld.words import read
from playground.storyworld.world import Person

WORDS = read("english")


def _person(key: str, person: Person) -> dict[str, str]:
    """The slots of one person: name, pronouns, and every fact about them."""
    he, him, his = ("she", "her", "her") if person.woman else ("he", "him", "his")
    return {
        key: WORDS["names"][person.number],
        f"{key}_he": he,
        f"{key}_him": him,
        f"{key}_his": his,
        f"{key}_trade": WORDS["trades"][person.trade],
        f"{key}_home": WORDS["homes"][person.home],
        f"{key}_door": WORDS["doors"][person.door],
        f"{key}_food": WORDS["foods"][person.food],
        f"{key}_treasure": _thing(person.treasure),
        f"{key}_pet": WORDS["pets"][person.pet],
        f"{key}_pet_name": WORDS["pet_names"][person.pet_name],
        f"{key}_pet_at": WORDS["at"][person.pet_likes],
        f"{key}_habit": WORDS["habits"][person.habit],
        f"{key}_friend": WORDS["names"][person.friend],
    }


def _thing(number: int) -> str:
    return f"{WORDS['looks'][number]} {WORDS['things'][number]}"


def _count(number: int, ware: int) -> str:
    return f"{WORDS['numbers'][number]} {WORDS['ware' if number == 1 else 'wares'][ware]}"


def slots(random: Random, beat: Beat) -> Mapping[str, str]:
    """Every slot's words for one beat. Each sells what goes into the food that they like."""
    ware = beat.a.food
    n, m, k = beat.numbers
    return {
        **_person("a", beat.a),
        **_person("b", beat.b),
        "p": WORDS["places"][beat.p],
        "p_at": WORDS["at"][beat.p],
        "q": WORDS["places"][beat.q],
        "q_at": WORDS["at"][beat.q],
        "x": WORDS["things"][beat.x],
        "x_look": _thing(beat.x),
        "n": _count(n, ware),
        "m": _count(m, ware),
        "k": _count(k, ware),
        "wares": WORDS["wares"][ware],
        "m_number": WORDS["numbers"][m],
        "time": random.choice(WORDS["times"]),
        "weather": random.choice(WORDS["weather"]),
    }


def finish(sentence: str) -> str:
    """Single spaces, "an" before a vowel, and a capital after every full stop."""
    sentence = re.sub(r" +(?=[.,]| |$)", "", sentence).strip()
    sentence = re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", sentence)
    return re.sub(r'(^"?|[.!?] "?|" ")([a-z])', lambda match: match[1] + match[2].upper(), sentence)


ENGLISH = Language(beats=WORDS.beats, slots=slots, join=" ", finish=finish)
