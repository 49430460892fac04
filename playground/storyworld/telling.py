"""Turns beats into sentences: chooses among a language's ways to say it, fills the slots, mends the start.

A sentence is written in a small grammar: `[this|that|]` is one of several pieces, which may hold further
brackets, and `{slot}` is a word that depends on who the story is about.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from playground.storyworld.plots import Beat

Slots = Callable[[Random, Beat], Mapping[str, str]]


@dataclass(frozen=True)
class Language:
    """A language: the ways to tell each beat, the words for its slots, and how sentences are joined."""

    beats: Mapping[str, Sequence[str]]
    slots: Slots
    join: str
    finish: Callable[[str], str]


def expand(random: Random, text: str) -> str:
    """Choose one piece of every bracket, from the inside out; raises ValueError for a bracket left open."""
    while "]" in text:
        end = text.index("]")
        start = text.rfind("[", 0, end)
        if start < 0:
            raise ValueError(f"a bracket is closed that was not opened: {text!r}")
        text = text[:start] + random.choice(text[start + 1 : end].split("|")) + text[end + 1 :]
    if "[" in text:
        raise ValueError(f"a bracket is left open: {text!r}")
    return text


def tell(random: Random, language: Language, beats: Sequence[Beat]) -> str:
    """One story, one paragraph, without a line break at its end."""
    sentences = []
    for beat in beats:
        sentence = expand(random, random.choice(language.beats[beat.name]))
        sentences.append(language.finish(sentence.format_map(dict(language.slots(random, beat)))))
    return language.join.join(sentences)
