"""Tokenizer jobs: what is learned opens anywhere and is used by training, progress rises, a control ends it."""

import json
from collections.abc import Callable
from multiprocessing import Pipe
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from transformers import AutoTokenizer

from playground.domain.messages import Failed, Finished, Plan
from playground.domain.special import NAMES
from playground.storyworld import generate
from tests.workers.engine.attempts import Bench, artifacts, metrics, story
from workers.engine.port import Port
from workers.engine.vocabulary import MEASURES, READ, first, read

ALGORITHMS = ["bpe", "wordpiece", "unigram"]
AWKWARD = "the cat 小猫喜欢 🦊\n\tnaïve  "


def learned(bench: Bench, algorithm: str, **params: object) -> Path:
    """The folder of the tokenizer that a run hands over."""
    said = bench.run(kind="tokenizer", algorithm=algorithm, vocab_size=400, **params)
    assert said[-1] == Finished(outcome="done")
    return Path(artifacts(said)["tokenizer"].path)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_run_says_how_far_it_is_and_how_well_it_compresses(new_bench: Callable[..., Bench], algorithm: str) -> None:
    said = new_bench(generate(3, 60_000)).run(kind="tokenizer", algorithm=algorithm, vocab_size=400)
    series = metrics(said)
    reading, measuring = list(series["read_mib"]), list(series["vocabulary"])
    assert Plan(steps=100) in said
    assert (reading[-1], measuring[-1]) == (READ, 100)
    assert len(measuring) > MEASURES // 2
    values = list(series["bytes_per_token"].values())
    assert values[-1] == max(values) > 1.5
    meta = artifacts(said)["tokenizer"].meta
    assert meta["vocab_size"] == 400 == list(series["vocabulary"].values())[-1]
    assert meta["algorithm"] == algorithm
    assert {"mask", "pad", "cls", "sep", "unk"} <= set(meta["special"])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_it_opens_anywhere_and_twice_gives_the_same(new_bench: Callable[..., Bench], algorithm: str) -> None:
    one, other = (learned(new_bench(), algorithm) for _ in range(2))
    assert (one / "tokenizer.json").read_bytes() == (other / "tokenizer.json").read_bytes()
    opened = AutoTokenizer.from_pretrained(str(one))
    own = Tokenizer.from_file(str(one / "tokenizer.json"))
    assert opened(AWKWARD, add_special_tokens=False)["input_ids"] == own.encode(AWKWARD, add_special_tokens=False).ids
    if algorithm != "wordpiece":
        assert own.decode(own.encode(AWKWARD, add_special_tokens=False).ids) == AWKWARD


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("kind", ["clm", "mlm"])
def test_training_uses_it(bench: Bench, algorithm: str, kind: str) -> None:
    path = learned(bench, algorithm)
    bench.inputs["tokenizer"] = bench.file(path / "tokenizer.json")
    said = bench.run(kind=kind, tokenizer="00000000-0000-4000-8000-000000000001", steps=3)
    assert said[-1] == Finished(outcome="done"), said[-1]
    assert metrics(said)["loss"][3] > 0


def test_without_masks_bpe_has_one_special_token(bench: Bench) -> None:
    spec = json.loads((learned(bench, "bpe", masks=False) / "tokenizer.json").read_text())
    assert [token["content"] for token in spec["added_tokens"]] == [NAMES["eos"][0]]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_small_text_gives_a_small_vocabulary(new_bench: Callable[..., Bench], algorithm: str) -> None:
    said = new_bench("the cat sees the other cat\n" * 40).run(kind="tokenizer", algorithm=algorithm, vocab_size=4_000)
    assert said[-1] == Finished(outcome="done")
    assert artifacts(said)["tokenizer"].meta["vocab_size"] < 400


def test_a_text_that_is_too_short_is_refused(new_bench: Callable[..., Bench]) -> None:
    said = new_bench("a b").run(kind="tokenizer")
    assert isinstance(said[-1], Failed)
    assert "too short" in said[-1].message


@pytest.mark.parametrize("control", ["stop", "pause"])
def test_a_control_ends_it_without_a_tokenizer(new_bench: Callable[..., Bench], control: str) -> None:
    attempt = new_bench(story(200_000)).start(kind="tokenizer", algorithm="wordpiece", vocab_size=4_000)
    attempt.until(Plan)
    attempt.ask(control)
    said = attempt.finish()
    assert said[-1] == Finished(outcome="stopped" if control == "stop" else "paused")
    assert "tokenizer" not in artifacts(said)


def test_of_a_large_text_parts_are_read_evenly(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("".join(f"line {number}\n" for number in range(40_000)), encoding="utf-8")

    ours, _theirs = Pipe()
    learned, held_out = read(path, 100_000, Port(ours))
    size = sum(map(len, learned))
    assert 60_000 < size <= 110_000
    assert "line 39999" in held_out[-1]
    assert not any("line 39999" in chunk for chunk in learned)


def test_the_first_tokens_alone_still_write_everything(bench: Bench) -> None:
    for algorithm in ALGORITHMS:
        spec = json.loads((learned(bench, algorithm) / "tokenizer.json").read_text())
        lengths = [len(first(spec, size).encode(story(20)).ids) for size in (300, 350, 400)]
        assert lengths == sorted(lengths, reverse=True)
