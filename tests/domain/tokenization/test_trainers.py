"""The teaching trainers against brute force on small corpora, and against themselves: the same text, the same
vocabulary.
"""

import itertools
import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.domain.tokenization import bpe, unigram, wordpiece, words
from playground.exhibits.tokens.bpe import EXAMPLE

CORPORA = st.dictionaries(st.text("abcé机", min_size=1, max_size=7), st.integers(1, 9), min_size=1, max_size=8)
Cut = dict[str, list[str]]


def merged(parts: list[str], left: str, right: str) -> list[str]:
    """Replace a pair from left to right."""
    found: list[str] = []
    for part in parts:
        if found and found[-1] == left and part == right and not found[-1].endswith("\uffff"):
            found[-1] = left + right + "\uffff"  # marked, so that it takes no part in this round again
        else:
            found.append(part)
    return [part.removesuffix("\uffff") for part in found]


def pairs_of(cut: Cut, counted: dict[str, int]) -> Counter[tuple[str, str]]:
    """Every neighbouring pair with its weighted count."""
    counts: Counter[tuple[str, str]] = Counter()
    for word, parts in cut.items():
        for pair in itertools.pairwise(parts):
            counts[pair] += counted[word]
    return counts


def slow_bpe(counted: dict[str, int], steps: int) -> list[tuple[str, str, int, int]]:
    """BPE with everything counted anew at each step."""
    cut = {word: list(word) for word in counted}
    found = []
    for _ in range(steps):
        counts = pairs_of(cut, counted)
        if not counts:
            break
        pair = max(counts, key=lambda item: (counts[item], item))
        cut = {word: merged(parts, *pair) for word, parts in cut.items()}
        found.append((*pair, counts[pair], sum(len(parts) * counted[word] for word, parts in cut.items())))
    return found


def slow_wordpiece(counted: dict[str, int], steps: int) -> list[tuple[str, str]]:
    """The best score at each step, everything counted anew."""
    cut = {word: list(word) for word in counted}
    found = []
    for _ in range(steps):
        counts = pairs_of(cut, counted)
        if not counts:
            break
        single: Counter[str] = Counter()
        for word, parts in cut.items():
            for part in parts:
                single[part] += counted[word]
        pair = max(counts, key=lambda item: (counts[item] / (single[item[0]] * single[item[1]]), item))
        cut = {word: merged(parts, *pair) for word, parts in cut.items()}
        found.append(pair)
    return found


@given(CORPORA, st.integers(1, 12))
@settings(max_examples=150, deadline=None)
def test_bpe_takes_the_steps_of_brute_force(counted: dict[str, int], steps: int) -> None:
    learned = bpe.learn(counted, steps)
    symbols = learned.symbols
    found = [(symbols[m.left], symbols[m.right], m.times, m.tokens) for m in learned.merges]
    assert found == slow_bpe(counted, steps)
    for merge in learned.merges:
        assert merge.rivals[0] == (merge.left, merge.right, merge.times)
        assert [rival.times for rival in merge.rivals] == sorted((rival.times for rival in merge.rivals), reverse=True)


@given(CORPORA, st.integers(1, 10))
@settings(max_examples=150, deadline=None)
def test_wordpiece_takes_the_steps_of_brute_force(counted: dict[str, int], steps: int) -> None:
    learned = wordpiece.learn(counted, steps, marked=False)
    found = [(learned.symbols[s.chosen.left], learned.symbols[s.chosen.right]) for s in learned.steps]
    assert found == slow_wordpiece(counted, steps)


@given(CORPORA, st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_applying_the_merges_cuts_the_corpus_as_the_training_did(counted: dict[str, int], steps: int) -> None:
    learned = bpe.learn(counted, steps)
    ranks: dict[tuple[str, str], int] = {}
    for rank, merge in enumerate(learned.merges):
        ranks.setdefault((learned.symbols[merge.left], learned.symbols[merge.right]), rank)
    tokens = sum(len(bpe.apply(word, ranks)) * times for word, times in counted.items())
    assert tokens == (learned.merges[-1].tokens if learned.merges else learned.tokens)


def test_the_two_part_on_the_lessons_corpus_as_was_checked_by_hand() -> None:
    counted = words.count(EXAMPLE)
    merges = bpe.learn(counted, 2)
    assert [merges.symbols[merge.product] for merge in merges.merges] == ["st", "est"]
    scored = wordpiece.learn(counted, 2)
    assert [scored.symbols[step.product] for step in scored.steps] == ["翻译", "深度"]


def test_twenty_trainings_are_identical() -> None:
    text = (EXAMPLE + " ab ba ab ba 猫 狗 ") * 3
    counted = words.count(text, unit="bytes", spaces="lead")
    assert len({repr(bpe.learn(counted, 60)) for _ in range(20)}) == 1
    assert len({repr(wordpiece.learn(words.count(text), 60)) for _ in range(20)}) == 1
    assert len({repr(unigram.learn(words.count(text), 30)) for _ in range(20)}) == 1


def test_a_word_of_one_letter_a_thousand_times_is_merged_in_halves() -> None:
    learned = bpe.learn({"a" * 1024: 1}, 20)
    assert [merge.tokens for merge in learned.merges] == [512, 256, 128, 64, 32, 16, 8, 4, 2, 1]


def test_the_least_count_stops_the_training() -> None:
    assert len(bpe.learn({"ab": 3, "cd": 2}, 10, least=3).merges) == 1
    assert len(wordpiece.learn({"ab": 3, "cd": 2}, 10, least=3).steps) == 1


def test_pieces_inside_a_word_are_marked() -> None:
    learned = wordpiece.learn({"aba": 5}, 1)
    assert learned.piece(learned.steps[0].product) in {"ab", "##ba"}
    assert wordpiece.cut("aba", {"a": 0, "##b": 1, "##ba": 2}) == ["a", "##ba"]
    assert wordpiece.cut("abc", {"a": 0, "##b": 1}) is None


@given(CORPORA)
@settings(max_examples=40, deadline=None)
def test_each_round_of_em_raises_the_likelihood(counted: dict[str, int]) -> None:
    pieces = unigram.seed(counted, 40)
    last = -math.inf
    for _ in range(4):
        pieces, likelihood, _tokens = unigram.step(counted, pieces)
        assert likelihood >= last - 1e-6
        last = likelihood


@given(CORPORA, st.integers(4, 20))
@settings(max_examples=40, deadline=None)
def test_unigram_keeps_every_character_and_the_wanted_size(counted: dict[str, int], size: int) -> None:
    learned = unigram.learn(counted, size)
    characters = {character for word in counted for character in word}
    assert characters <= set(learned.pieces)
    assert len(learned.pieces) <= max(size, len(characters))
    assert sum(math.exp(log) for log in learned.pieces.values()) == pytest.approx(1.0)
    assert learned.rounds[-1].removed_count == 0


@pytest.mark.parametrize(
    ("text", "spaces", "expected"),
    [
        ("a  b\n", "drop", ["a", "b"]),
        ("a  b\n", "lead", ["a", " ", " b", "\n"]),
        ("x1 _!", "lead", ["x", "1", " _", "!"]),
    ],
)
def test_words(text: str, spaces: words.Spaces, expected: list[str]) -> None:
    assert words.split(text, spaces) == expected


@given(st.text(max_size=60))
def test_words_with_leading_spaces_are_the_text(text: str) -> None:
    assert "".join(words.split(text, "lead")) == text
