"""Blanks in a text: where they are, and a question to begin with that is made from a line of the text itself."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tokenizers import Tokenizer

BLANK = "[MASK]"
"""How a person writes a blank, whatever the tokenizer calls its mask."""
MIN_TOKENS, MAX_TOKENS, TWO_BLANKS = 6, 40, 12
"""Lengths of a line that makes a question, and from which on it has two blanks."""
MIN_LETTERS = 3
"""Shorter words of an alphabet say little; a Chinese character is a word."""
_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


@dataclass(frozen=True)
class Question:
    """A text with blanks, and what stood there, from left to right."""

    text: str
    answers: tuple[str, ...]


def places(text: str, mask: str) -> list[tuple[int, int]]:
    """(start, end) of each blank, in characters: those written [MASK], and those written as the tokenizer has it."""
    return [match.span() for match in re.finditer("|".join(re.escape(name) for name in {BLANK, mask}), text)]


def question(lines: Iterable[str], tokenizer: Tokenizer, ordinary: set[int]) -> Question:
    """The first line that has words worth asking for, with one or two of them left out; else a blank alone.

    A word is asked for only if it is a single token of `ordinary`, so that one blank has room for it.
    """
    for line in lines:
        encoding = tokenizer.encode(line.strip(), add_special_tokens=False)
        if MIN_TOKENS <= len(encoding.ids) <= MAX_TOKENS:
            spans = _words(encoding.ids, encoding.offsets, encoding.word_ids, line.strip(), ordinary)
            if spans:
                return _left_out(line.strip(), spans, 2 if len(encoding.ids) >= TWO_BLANKS else 1)
    return Question(BLANK, ())


def _words(
    ids: list[int], offsets: list[tuple[int, int]], numbers: list[int | None], text: str, ordinary: set[int]
) -> list[tuple[int, int]]:
    found = []
    for at, span in enumerate(offsets):
        word = text[slice(*span)].strip()
        alone = numbers.count(numbers[at]) == 1
        asked = _HAN.fullmatch(word) or (alone and word.isalpha() and len(word) >= MIN_LETTERS)
        if asked and ids[at] in ordinary and offsets.count(span) == 1:
            found.append((span[1] - len(word), span[1]))
    return found


def _left_out(line: str, spans: list[tuple[int, int]], blanks: int) -> Question:
    """The words nearest to the middle, or to the thirds, of a line left out; never two that stand side by side."""
    chosen: list[tuple[int, int]] = []
    for index in range(blanks):
        place = len(line) * (index + 1) / (blanks + 1)
        apart = [span for span in spans if all(abs(sum(span) - sum(one)) / 2 >= len(line) / 5 for one in chosen)]
        chosen += sorted(apart, key=lambda span: (abs(sum(span) / 2 - place), span))[:1]
    chosen.sort()
    text = line
    for start, end in reversed(chosen):
        text = text[:start] + BLANK + text[end:]
    return Question(text, tuple(line[start:end] for start, end in chosen))
