"""What happens: each plot is a sequence of beats, with people, things and places filled in.

A beat is the name of a list of sentences in a language, and the values for its slots. Plots keep the
world's facts: a pet is found where it likes to be, a birthday cake is the one that its owner likes, and
what is left on a stall is what was brought less what was sold.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

from playground.storyworld.world import Person, World


@dataclass(frozen=True)
class Beat:
    """One happening: `a` and `b` are people, `p` and `q` places, `x` a thing, `n`, `m`, `k` numbers."""

    name: str
    a: Person
    b: Person
    p: int
    q: int
    x: int
    numbers: tuple[int, int, int] = field(default=(0, 0, 0))


Plot = Callable[[Random, World], Iterator[Beat]]


@dataclass(frozen=True)
class Cast:
    """Who and what a story is about; `beat` makes a beat of it."""

    a: Person
    b: Person
    p: int
    q: int
    x: int
    numbers: tuple[int, int, int] = (0, 0, 0)

    def beat(self, name: str) -> Beat:
        """A beat about this cast."""
        return Beat(name, self.a, self.b, self.p, self.q, self.x, self.numbers)

    def turned(self, name: str) -> Beat:
        """The same with the two people exchanged."""
        return Beat(name, self.b, self.a, self.p, self.q, self.x, self.numbers)


def _cast(random: Random, world: World, thing: int | None = None, place: int | None = None) -> Cast:
    a = random.choice(world.people)
    friend = next(person for person in world.people if person.number == a.friend)
    strangers = [person for person in world.people if person.number != a.number]
    b = friend if random.random() < 0.5 else random.choice(strangers)
    p = random.choice(world.places) if place is None else place
    q = random.choice([other for other in world.places if other != p])
    return Cast(a, b, p, q, random.choice(world.things) if thing is None else thing)


def lost(random: Random, world: World) -> Iterator[Beat]:
    """A treasure is lost, asked for and found."""
    cast = _cast(random, world)
    cast = Cast(cast.a, cast.b, cast.p, cast.q, cast.a.treasure)
    yield from map(cast.beat, ["opening", "lost", "searches", "asks"])
    yield cast.turned("clue")
    yield from map(cast.beat, ["goes", "found", "thanks", "ending"])


def gift(random: Random, world: World) -> Iterator[Beat]:
    """A birthday, and the food that its owner likes best."""
    cast = _cast(random, world)
    yield from map(cast.beat, ["opening", "birthday", "makes", "carries"])
    yield cast.turned("surprised")
    yield cast.beat("ending")


def loan(random: Random, world: World) -> Iterator[Beat]:
    """A thing is needed, lent and brought back."""
    cast = _cast(random, world)
    cast = Cast(cast.a, cast.b, cast.p, cast.q, cast.b.treasure)
    yield from map(cast.beat, ["opening", "needs", "asks_loan"])
    yield cast.turned("lends")
    yield from map(cast.beat, ["uses", "returns", "ending"])


def stray(random: Random, world: World) -> Iterator[Beat]:
    """A pet runs away and is found where it likes to be."""
    cast = _cast(random, world)
    p = cast.a.pet_likes
    q = random.choice([place for place in world.places if place != p])
    cast = Cast(cast.a, cast.b, p, q, cast.x)
    yield from map(cast.beat, ["opening", "pet", "pet_gone", "pet_sought", "meets"])
    yield cast.turned("pet_seen")
    yield from map(cast.beat, ["pet_found", "ending"])


def market(random: Random, world: World) -> Iterator[Beat]:
    """A market day with sums that come out."""
    cast = _cast(random, world)
    brought = random.randint(4, 12)
    sold = random.randint(1, brought - 1)
    cast = Cast(cast.a, cast.b, cast.p, cast.q, cast.x, (brought, sold, brought - sold))
    yield from map(cast.beat, ["opening", "market", "sells", "left_over", "ending"])


def storm(random: Random, world: World) -> Iterator[Beat]:
    """Bad weather, and a story told while it lasts."""
    cast = _cast(random, world)
    yield from map(cast.beat, ["opening", "walks", "storm", "shelter", "tale", "clears", "ending"])


def quarrel(random: Random, world: World) -> Iterator[Beat]:
    """Two people want the same thing, and are sorry."""
    cast = _cast(random, world)
    yield from map(cast.beat, ["opening", "finds", "quarrel", "alone"])
    yield cast.turned("sorry")
    yield from map(cast.beat, ["shares", "ending"])


def questions(random: Random, world: World) -> Iterator[Beat]:
    """Questions about somebody, and true answers."""
    cast = _cast(random, world)
    cast = Cast(cast.a, next(p for p in world.people if p.number == cast.a.friend), cast.a.pet_likes, cast.q, cast.x)
    yield cast.beat("asking")
    asked = ["q_trade", "q_home", "q_food", "q_pet", "q_pet_place", "q_friend", "q_door", "q_treasure"]
    for name in random.sample(asked, random.randint(3, 5)):
        yield cast.beat(name)


def letter(random: Random, world: World) -> Iterator[Beat]:
    """A letter to a friend about what happened."""
    cast = _cast(random, world)
    yield from map(cast.beat, ["dear", "news", "news_place", "invites", "yours"])


def evening(random: Random, world: World) -> Iterator[Beat]:
    """How a day ends in the village."""
    cast = _cast(random, world)
    yield from map(cast.beat, ["dusk", "supper", "pet_sleeps", "window", "night"])


PLOTS: tuple[Plot, ...] = (lost, gift, stray, questions, market, loan, storm, quarrel, letter, evening)
"""All plots; the first ones are used where fewer are asked for."""
