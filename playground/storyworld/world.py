"""The little world that the stories tell of: people, places and things, and the facts that hold throughout.

A world is made from a seed and has no words in it: everything is a number into the lists of a language
(`english.py`, `chinese.py`), so that the same seed tells of the same world in both.
"""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Knobs:
    """How large the world is. Fewer people and things make a text that a small model learns sooner."""

    people: int = 24
    places: int = 14
    things: int = 24
    plots: int = 10

    def __post_init__(self) -> None:
        limits = {"people": (4, 24), "places": (4, 14), "things": (4, 24), "plots": (1, 10)}
        for name, (low, high) in limits.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} must lie between {low} and {high}, not {getattr(self, name)}")


@dataclass(frozen=True)
class Person:
    """Somebody of the village. Everything about them is the same in every story."""

    number: int
    woman: bool
    trade: int
    home: int
    door: int
    food: int
    treasure: int
    pet: int
    pet_name: int
    pet_likes: int
    friend: int
    habit: int


@dataclass(frozen=True)
class World:
    """The people, and how many places, things, foods the stories may use."""

    people: tuple[Person, ...]
    places: tuple[int, ...]
    things: tuple[int, ...]
    knobs: Knobs


TRADES, COLOURS, FOODS, PETS, PET_NAMES, HABITS = 12, 8, 12, 6, 12, 8
"""How many of each every language has a word for."""


def build(random: Random, knobs: Knobs) -> World:
    """Draw a world: who does what, who lives where, who is whose friend."""
    places = tuple(random.sample(range(14), knobs.places))
    things = tuple(random.sample(range(24), knobs.things))
    numbers = random.sample(range(24), knobs.people)
    people = []
    for position, number in enumerate(numbers):
        others = [other for other in numbers if other != number]
        people.append(
            Person(
                number=number,
                woman=number % 2 == 0,
                trade=position % TRADES,
                home=random.choice(places),
                door=random.randrange(COLOURS),
                food=random.randrange(FOODS),
                treasure=random.choice(things),
                pet=random.randrange(PETS),
                pet_name=random.randrange(PET_NAMES),
                pet_likes=random.choice(places),
                friend=random.choice(others),
                habit=random.randrange(HABITS),
            )
        )
    return World(tuple(people), places, things, knobs)
