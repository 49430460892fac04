"""Reads a language's words and sentences from its TOML file."""

import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Words:
    """`words`: lists that the world's numbers point into; `beats`: the ways to tell each beat."""

    words: dict[str, list[str]]
    beats: dict[str, list[str]]

    def __getitem__(self, name: str) -> list[str]:
        return self.words[name]


def read(language: str) -> Words:
    """The words of a language, by the name of its file."""
    found = tomllib.loads(Path(__file__).with_name(f"{language}.toml").read_text(encoding="utf-8"))
    return Words(found["words"], found["beats"])
