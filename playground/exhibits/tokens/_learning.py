"""The trace of a training by merging, in the form that the pages step through.

The page itself applies the first k merges to the words that it shows, so that any step is there at once.
"""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from playground.domain.tokenization import words
from playground.domain.tokenization.counts import packed

SHOWN_WORDS = 80
Packed = dict[str, str]


class Word(BaseModel):
    """A word of the corpus, how often it occurs, and its units as symbol numbers."""

    text: str
    count: int
    units: list[int]


class Rivals(BaseModel):
    """The best pairs before each step, `width` a step, best first; -1 fills up where there were fewer."""

    width: int
    left: Packed
    right: Packed
    count: Packed


class Learning(BaseModel):
    """Symbols by number (the first `alphabet` are single units) and, for each merge, its pair, product and count.

    `tokens` is the corpus' length before the first merge and after each; `characters`, `bytes` are its size without the
    spaces that were dropped.
    """

    symbols: list[str]
    hexadecimal: list[int]
    alphabet: int
    left: Packed
    right: Packed
    product: Packed
    count: Packed
    tokens: Packed
    rivals: Rivals
    words: list[Word]
    unique_words: int
    all_words: int
    characters: int
    bytes: int


def learning(
    counted: Mapping[str, int],
    symbols: Sequence[str],
    alphabet: int,
    steps: Sequence[tuple[int, int, int, int, int]],
    rivals: Sequence[Sequence[tuple[int, int, int]]],
    tokens: int,
    unit: words.Unit,
) -> Learning:
    """`steps` are (left, right, product, count, tokens afterwards); `rivals` (left, right, count) a step."""
    number = {symbol: at for at, symbol in enumerate(symbols[:alphabet])}
    width = max((len(row) for row in rivals), default=0)
    filled = [list(row) + [(-1, -1, -1)] * (width - len(row)) for row in rivals]
    often = sorted(counted, key=lambda word: -counted[word])[:SHOWN_WORDS]
    shown = [words.shown(symbol, unit) for symbol in symbols]
    sizes = [(len(word), times) for word, times in counted.items()]
    size = sum(length * times for length, times in sizes)
    text_of = str if unit == "characters" else _text
    return Learning(
        symbols=shown,
        hexadecimal=[at for at, symbol in enumerate(symbols) if unit == "bytes" and not _is_text(symbol)],
        alphabet=alphabet,
        left=packed([step[0] for step in steps]),
        right=packed([step[1] for step in steps]),
        product=packed([step[2] for step in steps]),
        count=packed([step[3] for step in steps]),
        tokens=packed([tokens, *[step[4] for step in steps]]),
        rivals=Rivals(
            width=width,
            left=packed([entry[0] for row in filled for entry in row]),
            right=packed([entry[1] for row in filled for entry in row]),
            count=packed([entry[2] for row in filled for entry in row]),
        ),
        words=[Word(text=text_of(word), count=counted[word], units=[number[c] for c in word]) for word in often],
        unique_words=len(counted),
        all_words=sum(counted.values()),
        characters=sum(len(text_of(word)) * times for word, times in counted.items()) if unit == "bytes" else size,
        bytes=size if unit == "bytes" else sum(len(word.encode()) * times for word, times in counted.items()),
    )


def _text(word: str) -> str:
    return word.encode("latin-1").decode()


def _is_text(symbol: str) -> bool:
    try:
        _text(symbol)
    except UnicodeDecodeError:
        return False
    return True
