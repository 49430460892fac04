"""Starter texts: a small village and its everyday stories, generated, in English and Chinese.

The text is Vitrine's own, so it may be given to anyone, and it is made for learning to see: the words
are few and the facts consistent (Ada's cat is always found at the mill), so that a model of a million
parameters visibly picks up spelling, then grammar, then who lives where.
"""

from random import Random

from playground.storyworld.chinese import CHINESE
from playground.storyworld.english import ENGLISH
from playground.storyworld.plots import PLOTS
from playground.storyworld.telling import Language, tell
from playground.storyworld.world import Knobs, build

__all__ = ["LANGUAGES", "Knobs", "generate"]

LANGUAGES: dict[str, Language] = {"en": ENGLISH, "zh": CHINESE}
STORY_END = "\n\n"
STARTER_CHARACTERS = 350_000
"""Enough for a model of a million parameters to learn from in a minute or two, and quickly read by a person."""


def generate(
    seed: int = 1, characters: int = STARTER_CHARACTERS, language: str = "en", knobs: Knobs | None = None
) -> str:
    """Stories until `characters` are reached, a blank line between two, a line break at the end.

    The same arguments give the same text on every machine. The last story is told to its end, so the
    text is up to a story longer than asked for. Raises ValueError for an unknown language.
    """
    if language not in LANGUAGES:
        raise ValueError(f"unknown language {language!r}; there are {', '.join(LANGUAGES)}")
    knobs = knobs or Knobs()
    random = Random(seed)
    world = build(random, knobs)
    plots = PLOTS[: knobs.plots]
    stories: list[str] = []
    length = 0
    while length < characters:
        beats = list(random.choice(plots)(random, world))
        story = tell(random, LANGUAGES[language], beats)
        stories.append(story)
        length += len(story) + len(STORY_END)
    return STORY_END.join(stories) + "\n"
