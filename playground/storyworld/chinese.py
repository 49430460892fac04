"""The stories' Chinese: how the words of `chinese.toml` fill the slots. The world is the same as in English."""

from collections.abc import Mapping
from random import Random

from playground.storyworld.plots import Beat
from playground.storyworld.telling import Language
from playground.storyworld.words import read
from playground.storyworld.world import Person

WORDS = read("chinese")


def _person(key: str, person: Person) -> dict[str, str]:
    """The slots of one person: name, pronoun, and every fact about them."""
    return {
        key: WORDS["names"][person.number],
        f"{key}_he": "她" if person.woman else "他",
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
    return f"{WORDS['measures'][number]}{WORDS['looks'][number]}{WORDS['things'][number]}"


def slots(random: Random, beat: Beat) -> Mapping[str, str]:
    """Every slot's words for one beat. `x_look` begins with the measure word, for use after 一 or 那."""
    # A ware is written with its measure word in front, which is one character.
    ware = WORDS["wares"][beat.a.food]
    n, m, k = (f"{WORDS['numbers'][number]}{ware}" for number in beat.numbers)
    return {
        **_person("a", beat.a),
        **_person("b", beat.b),
        "p": WORDS["places"][beat.p],
        "p_at": WORDS["at"][beat.p],
        "q": WORDS["places"][beat.q],
        "q_at": WORDS["at"][beat.q],
        "x": WORDS["things"][beat.x],
        "x_one": f"{WORDS['measures'][beat.x]}{WORDS['things'][beat.x]}",
        "x_look": _thing(beat.x),
        "n": n,
        "m": m,
        "k": k,
        "wares": ware[1:],
        "time": random.choice(WORDS["times"]),
        "weather": random.choice(WORDS["weather"]),
    }


def finish(sentence: str) -> str:
    """Chinese needs no mending: there are no spaces and no capitals."""
    return sentence


CHINESE = Language(beats=WORDS.beats, slots=slots, join="", finish=finish)
