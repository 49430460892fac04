"""The job kind `mlm`: its form and refusals, and what its batches hold, counted over a million positions."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from playground.domain.errors import BadInput
from playground.domain.kind import Batch, Data, Facts, Split
from playground.domain.masked_rows import ELSEWHERE, FOLLOWS
from playground.domain.masking import IGNORED, KEPT, MASKED, REPLACED
from playground.domain.word_marks import SENTENCE, WORD
from playground.jobs.mlm import Params, encode, kind
from workers.engine import tokenizer

CORPUS = "00000000-0000-4000-8000-000000000000"
FACTS = Facts(corpus_bytes=1_115_394, corpus_characters=1_115_394)
SPECIAL = {"pad": 0, "unk": 1, "cls": 2, "sep": 3, "mask": 4}
VOCABULARY = 1_000
ENGLISH = "The unhappiness of kings is understandable. A queen remembers everything!\nNobody whispered.\n"
CHINESE = "王后对国王说：我们明天去北京天安门。\n小猫喜欢看月亮，月亮也喜欢小猫。\n"


def params(**given: Any) -> Params:
    """Parameters with a corpus."""
    return Params(**{"corpus": CORPUS, **given})


def complaints(**given: Any) -> dict[str, str]:
    """What is said at each field of a refused form."""
    with pytest.raises(ValidationError) as caught:
        params(**given)
    return {str(error["loc"][0]): error["msg"] for error in caught.value.errors()}


def numbers(size: int, seed: int = 0) -> NDArray[np.uint16]:
    """A text of random tokens, a few unknown ones among them."""
    return np.random.default_rng(seed).integers(5, VOCABULARY, size).astype(np.uint16)


def data(tokens: NDArray[Any], given: Params, *, vocabulary: int = VOCABULARY, **arrays: NDArray[Any]) -> Data:
    """A corpus as the engine hands it to the batches."""
    return kind.arrange(Data(tokens, vocabulary, SPECIAL, arrays), given)


def batch(text: Data, given: Params, split: Split = "train", step: int = 1, micro: int = 0) -> Batch:
    """A batch that must exist."""
    made = kind.batch(text, given, split, step, micro)
    assert made is not None
    assert made.changes is not None
    return made


def original(made: Batch) -> NDArray[np.int64]:
    """The tokens as they were before anything was hidden."""
    return np.where(made.labels == IGNORED, made.inputs, made.labels)


def within(found: float, share: float, trials: int) -> bool:
    """Whether a share of so many trials is within 4 standard errors of what it should be."""
    return abs(found - share) < 4 * math.sqrt(share * (1 - share) / trials)


def changes(made: Batch) -> NDArray[np.uint8]:
    """What happened to each position."""
    assert made.changes is not None
    return made.changes


def test_all_has_a_default_but_the_corpus() -> None:
    filled = Params(corpus=CORPUS)
    assert (filled.mask_share, filled.masked, filled.replaced, filled.kept) == (0.15, 0.8, 0.1, 0.1)
    assert kind.inputs(params(tokenizer=CORPUS)) == {"corpus": CORPUS, "tokenizer": CORPUS}
    assert kind.aims(filled) == pytest.approx({"masked": 0.12, "replaced": 0.015, "kept": 0.015})
    for name, field in Params.model_json_schema()["properties"].items():
        assert field["title"], name
        assert field["description"], name


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"mask_share": 0.0}, "mask_share"), ({"mask_share": 0.95}, "mask_share"), ({"masked": 1.1}, "masked"),
        ({"masked": 0.9}, "kept"), ({"replaced": 0.0}, "kept"), ({"kept": -0.1}, "kept"), ({"kept": 0.3}, "kept"),
        ({"whole_words": "yes"}, "whole_words"), ({"next_sentence": 1}, "next_sentence"), ({"n_head": 3}, "n_head"),
        ({"architecture": "llama"}, "architecture"), ({"tie": True}, "tie"), ({"corpus": "x"}, "corpus"),
        ({"preset": None}, "n_layer"), ({"vocab_size": 100}, "vocab_size"), ({"sample_tokens": 21}, "sample_tokens"),
    ],
)  # fmt: skip
def test_each_field_is_checked(given: dict[str, Any], field: str) -> None:
    assert field in complaints(**given)


def test_the_three_shares_add_up() -> None:
    assert "1.05" in complaints(masked=0.8, replaced=0.1, kept=0.15)["kept"]
    assert params(masked=1.0, replaced=0.0, kept=0.0).kept == 0.0
    assert params(masked=0.7, replaced=0.2, kept=0.1).replaced == 0.2


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"mask_share": 0.4, "masked": 0.5, "replaced": 0.3, "kept": 0.2},
        {"masked": 1.0, "replaced": 0.0, "kept": 0.0},
    ],
    ids=str,
)
def test_a_million_positions_have_the_shares_that_were_asked_for(given: dict[str, Any]) -> None:
    wanted = params(batch_size=1024, **given)
    text = data(numbers(200_000), wanted)
    made = [batch(text, wanted, step=step) for step in range(1, 9)]
    free = sum(int((original(one) > 4).sum()) for one in made)
    assert free >= 1_000_000
    hidden = np.concatenate([changes(one)[changes(one) > 0] for one in made])
    assert within(len(hidden) / free, wanted.mask_share, free)
    for how, share in ((MASKED, wanted.masked), (REPLACED, wanted.replaced), (KEPT, wanted.kept)):
        assert within(float(np.mean(hidden == how)), share, len(hidden)) or (hidden == how).mean() == share
    replaced = np.concatenate([one.inputs[changes(one) == REPLACED] for one in made])
    assert not len(replaced) or np.ptp(np.bincount(replaced, minlength=VOCABULARY)[5:]) < 200


def test_labels_are_only_where_something_was_hidden() -> None:
    wanted = params(batch_size=256)
    tokens = numbers(50_000)
    made = batch(data(tokens, wanted), wanted)
    assert np.array_equal(made.labels != IGNORED, changes(made) > 0)
    assert (made.inputs[changes(made) == MASKED] == SPECIAL["mask"]).all()
    assert np.array_equal(made.inputs[changes(made) == KEPT], made.labels[changes(made) == KEPT])
    assert (made.inputs[changes(made) == REPLACED] > 4).all()
    rows = original(made)
    assert (rows[:, 0] == SPECIAL["cls"]).all()
    assert (rows[:, -1] == SPECIAL["sep"]).all()
    windows = np.lib.stride_tricks.sliding_window_view(tokens, 126)
    starts = [np.flatnonzero((windows[:, :4] == row[1:5]).all(axis=1)) for row in rows[:8]]
    assert all(
        any(np.array_equal(windows[at], row[1:-1]) for at in found) for found, row in zip(starts, rows, strict=False)
    )


def test_special_tokens_are_never_hidden_nor_put_in() -> None:
    wanted = params(batch_size=512, mask_share=0.9, masked=0.0, replaced=1.0, kept=0.0)
    tokens = numbers(50_000)
    tokens[::3] = np.resize([0, 1, 2, 3, 4], len(tokens[::3]))
    made = batch(data(tokens, wanted), wanted)
    assert (changes(made)[original(made) <= 4] == 0).all()
    assert (made.inputs[changes(made) > 0] > 4).all()


def test_a_batch_depends_on_seed_step_and_part_alone() -> None:
    for more in ({}, {"whole_words": True}, {"next_sentence": True}):
        wanted = params(**more)
        marks = (np.arange(60_000) % 7 == 0).astype(np.uint8) * (WORD | SENTENCE)
        text = data(numbers(60_000), wanted, marks=marks)
        first = batch(text, wanted, step=7)
        same = batch(text, wanted, step=7)
        assert all(
            np.array_equal(getattr(first, name), getattr(same, name))
            for name in ("inputs", "labels", "changes", "answers")
        )
        for given, step, micro in ((params(**more, seed=2), 7, 0), (wanted, 8, 0), (wanted, 7, 1)):
            assert not np.array_equal(first.inputs, batch(text, given, step=step, micro=micro).inputs)
        held = batch(text, wanted, "held_out", 1, 1)
        assert np.array_equal(held.inputs, batch(text, wanted, "held_out", 999, 1).inputs)
        assert not np.array_equal(held.inputs, batch(text, wanted, "held_out", 1, 0).inputs)


@pytest.mark.parametrize("pairs", [False, True])
def test_held_out_text_is_never_learned_from(pairs: bool) -> None:
    wanted = params(next_sentence=pairs, eval_batches=3, batch_size=4, block_size=32)
    tokens = np.concatenate([np.full(9_000, 7), np.full(1_000, 8)]).astype(np.uint16)
    text = data(tokens, wanted, marks=np.full(10_000, WORD | SENTENCE, dtype=np.uint8))
    learned = np.concatenate([original(batch(text, wanted, step=step)) for step in range(1, 50)])
    assert 8 not in learned
    held = [kind.batch(text, wanted, "held_out", 1, index) for index in range(5)]
    assert [part is None for part in held] == [False, False, False, True, True]
    assert all(7 not in original(part) for part in held if part is not None)


@pytest.mark.parametrize("text", [ENGLISH, CHINESE])
@pytest.mark.parametrize(("algorithm", "size"), [("wordpiece", 60), ("bpe", 260)])
def test_words_are_hidden_whole(text: str, algorithm: str, size: int) -> None:
    wanted = params(whole_words=True, batch_size=256, mask_share=0.3, masked=1.0, replaced=0.0, kept=0.0, block_size=64)
    cutter = tokenizer.ALGORITHMS[algorithm](iter([text * 2]), size)
    found = encode([text * 40], 1, cutter, wanted)
    ids, marks = found["tokens"] + 5, found["marks"]  # room for the special tokens of this test
    assert len(ids) == len(marks)
    words = np.cumsum(marks & WORD)
    assert words[-1] < 0.8 * len(ids), "no word has parts, so this would show nothing"
    where = np.arange(5, 5 + len(ids), dtype=np.uint16)  # each position its own token
    made = batch(data(where, wanted, vocabulary=5 + len(ids), marks=marks), wanted)
    for row, done in zip(original(made)[:, 1:-1] - 5, changes(made)[:, 1:-1], strict=True):
        for word in set(words[row]):
            assert len(set(done[words[row] == word])) == 1
    share = float(np.mean(changes(made)[:, 1:-1] > 0))
    assert 0.25 < share < 0.35


def test_pairs_are_half_and_half_and_told_apart_by_nothing_but_the_text() -> None:
    wanted = params(next_sentence=True, batch_size=1024, block_size=64, mask_share=0.01)
    tokens = np.arange(5, 40_005).astype(np.uint32)  # each token once, so that a place can be read off it
    borders = np.random.default_rng(3).random(40_000) < 0.08
    text = data(tokens, wanted, vocabulary=40_005, marks=(borders * (WORD | SENTENCE)).astype(np.uint8))
    answers, lengths, at_border = [], [], []
    for step in range(1, 11):
        made = batch(text, wanted, step=step)
        assert made.answers is not None
        assert made.segments is not None
        for row, segments, answer in zip(original(made), made.segments, made.answers, strict=True):
            ends = np.flatnonzero(row == SPECIAL["sep"])
            first, second = row[1 : ends[0]], row[ends[0] + 1 : ends[1]]
            assert (row[0], len(ends), ends[1]) == (SPECIAL["cls"], 2, 63)
            assert np.array_equal(segments, np.arange(64) > ends[0])
            assert (np.diff(first) == 1).all()
            assert (np.diff(second) == 1).all()
            follows = second[0] == first[-1] + 1
            assert follows == (answer == FOLLOWS)
            assert follows or second[0] > first[-1] + len(second) or second[-1] < first[0]
            lengths.append((answer, len(first)))
            at_border.append((answer, bool(borders[second[0] - 5])))
            answers.append(answer)
    assert within(float(np.mean(np.array(answers) == ELSEWHERE)), 0.5, len(answers))
    for found in (lengths, at_border):
        means = [np.mean([value for answer, value in found if answer == which]) for which in (FOLLOWS, ELSEWHERE)]
        spread = np.std([value for _, value in found]) * math.sqrt(4 / len(found))
        assert abs(means[0] - means[1]) < 4 * spread


@pytest.mark.parametrize("borders", ["none", "one", "all"])
def test_pairs_need_no_sentences(borders: str) -> None:
    wanted = params(next_sentence=True, block_size=16, batch_size=64, held_out=0.5)
    marks = np.full(100, SENTENCE if borders == "all" else 0, dtype=np.uint8)
    marks[0] |= SENTENCE * (borders == "one")
    text = data(np.arange(5, 105).astype(np.uint16), wanted, vocabulary=105, marks=marks)
    for step in range(1, 40):
        made = batch(text, wanted, step=step)
        assert made.inputs.shape == (64, 16)
        assert made.answers is not None
        assert set(made.answers) <= {FOLLOWS, ELSEWHERE}


@pytest.mark.parametrize(
    ("missing", "more", "said"),
    [("mask", {}, "no mask token"), ("pad", {}, "no padding token"), ("sep", {"next_sentence": True}, "[SEP]")],
)
def test_a_tokenizer_without_the_tokens_it_takes_is_refused(missing: str, more: dict[str, Any], said: str) -> None:
    special = {role: index for role, index in SPECIAL.items() if role != missing}
    with pytest.raises(BadInput, match=said.replace("[", r"\[")) as caught:
        kind.arrange(Data(numbers(5_000), VOCABULARY, special), params(**more))
    assert caught.value.fields.keys() == {"tokenizer"}
    facts = FACTS.model_copy(update={"tokenizer_special": sorted(special)})
    assert [problem.field for problem in kind.estimate(params(**more), facts).problems] == ["tokenizer"]
    assert kind.estimate(params(**more), FACTS.model_copy(update={"tokenizer_special": list(SPECIAL)})).fits


def test_without_cls_and_sep_crops_are_bare() -> None:
    special = {"mask": 4, "pad": 0}
    text = kind.arrange(Data(numbers(5_000), VOCABULARY, special), params())
    assert (original(batch(text, params())) > 4).all()


def test_a_corpus_that_is_too_short_is_refused() -> None:
    with pytest.raises(BadInput, match="too short"):
        data(numbers(200), params())
    marks = np.zeros(3_000, dtype=np.uint8)
    with pytest.raises(BadInput, match="too short for pairs") as caught:
        data(numbers(3_000), params(next_sentence=True), marks=marks)
    assert caught.value.fields.keys() == {"next_sentence"}
    assert [problem.field for problem in kind.estimate(params(), Facts(corpus_bytes=99, corpus_characters=9)).problems]


def test_what_is_odd_about_a_text_is_said() -> None:
    line = np.tile(numbers(10), 500)
    assert any("repeats itself every 10 tokens" in note for note in data(line, params()).notes)
    made = batch(data(line, params()), params())
    assert made.inputs.shape == (16, 128)
    strange = numbers(5_000)
    strange[::4] = SPECIAL["unk"]
    assert any("25.0 % of the tokens are unknown" in note for note in data(strange, params()).notes)
    assert data(numbers(5_000), params()).notes == ()
