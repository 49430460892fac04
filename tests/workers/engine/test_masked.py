"""Masked models in the engine: transformers' own loss, a vocabulary that repeats, a folder that opens anywhere."""

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForMaskedLM, AutoTokenizer

from playground.domain.errors import BadInput
from playground.domain.kind import Batch
from playground.domain.messages import Failed, Finished
from playground.domain.presets import Shape
from tests.workers.engine.attempts import Bench, artifacts, metrics, of_type, story
from tests.workers.engine.conftest import ROOT
from workers.engine import encoders, models, wordpiece
from workers.engine.batches import Tensors, tensors
from workers.engine.fill import Filler
from workers.engine.intake import check_model, check_tokenizer
from workers.engine.language_model import TransformersModel
from workers.engine.objectives import masked
from workers.engine.verbs import VERBS, Model, Shelf

NewBench = Callable[..., Bench]
TINY: dict[str, Any] = {"kind": "mlm", "vocab_size": 258, "sample_tokens": 3}


def network(*, pairs: bool = False) -> Any:
    """A tiny BERT in training mode."""
    shape = Shape("bert", 2, 2, 2, 32, 64, 50, 16, True, pairs)
    return models.build(shape, 0.0, None, 1, torch.device("cpu"), 0).train()


def hidden(*, pairs: bool = False) -> Tensors:
    """A batch with a few labels."""
    dice = np.random.default_rng(0)
    ids = dice.integers(5, 50, (6, 16))
    labels = np.where(dice.random((6, 16)) < 0.3, dice.integers(5, 50, (6, 16)), -100)
    segments = (np.arange(16) > 7).astype(np.int64)[None].repeat(6, 0) if pairs else None
    return tensors(Batch(ids, labels, segments, answers=dice.integers(0, 2, 6) if pairs else None), torch.device("cpu"))


@pytest.mark.parametrize("pairs", [False, True])
def test_loss_and_gradient_are_those_of_transformers(pairs: bool) -> None:
    """The head over hidden tokens alone, in chunks, is exactly the head over all."""
    model, batch = network(pairs=pairs), hidden(pairs=pairs)
    ours = masked(model, batch)
    ours.backward()
    gradients = {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}
    model.zero_grad()
    more = {"token_type_ids": batch.segments, "next_sentence_label": batch.answers} if pairs else {}
    theirs = model(input_ids=batch.inputs, labels=batch.labels, **more).loss
    theirs.backward()
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-6)
    assert gradients.keys() == {name for name, weight in model.named_parameters() if weight.grad is not None}
    for name, weight in model.named_parameters():
        if weight.grad is not None:
            torch.testing.assert_close(gradients[name], weight.grad, rtol=2e-5, atol=1e-6, msg=name)


def test_every_position_sees_both_sides() -> None:
    model = network().eval()
    ids = torch.arange(5, 21)[None]
    other = ids.clone()
    other[0, -1] = 30
    with torch.no_grad():
        first, second = (model(input_ids=given).logits[0, 0] for given in (ids, other))
    assert (first - second).abs().max() > 1e-4


def test_what_is_judged_is_the_loss_and_the_share_of_right_answers() -> None:
    model, batch = network(pairs=True).eval(), hidden(pairs=True)
    with torch.no_grad():
        found = encoders.judge(model, batch)
        loss = masked(model, batch).item()
        logits = model(input_ids=batch.inputs, token_type_ids=batch.segments)
    total = sum(found[name][0] / found[name][1] for name in ("loss/masked", "loss/pairs"))
    assert total == pytest.approx(loss, rel=1e-5)
    chosen = batch.labels != -100
    right = (logits.prediction_logits.argmax(-1)[chosen] == batch.labels[chosen]).sum().item()
    assert found["val_accuracy"] == (right, int(chosen.sum()))
    agreed = (logits.seq_relationship_logits.argmax(-1) == batch.answers).sum().item()
    assert found["val_pair_accuracy"] == (agreed, 6)


PROGRAM = """
import hashlib, sys
from tests.workers.engine.attempts import story
from workers.engine import wordpiece
print(hashlib.sha256(wordpiece.train(iter([story(), "naïve #hash ##mark"]), 400).to_str().encode()).hexdigest())
"""


def test_the_vocabulary_is_the_same_in_every_process() -> None:
    """The library's own trainer gives another one nearly each time, as its hash tables are seeded anew."""
    found = {
        subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for _ in range(6)
    }
    assert len(found) == 1


def test_wordpiece_cuts_like_bert() -> None:
    cutter = wordpiece.train(iter([story()]), 300)
    assert [cutter.id_to_token(index) for index in range(5)] == list(wordpiece.SPECIAL)
    encoding = cutter.encode("the cat sees 小猫 [MASK].", "An owl")
    assert encoding.tokens[0] == "[CLS]"
    assert encoding.tokens.count("[SEP]") == 2
    assert {"小", "猫", "[MASK]"} <= set(encoding.tokens)
    assert encoding.type_ids[-1] == 1
    assert cutter.encode("ж").tokens == ["[CLS]", "[UNK]", "[SEP]"]
    assert cutter.get_vocab_size() <= 300
    assert len(set(cutter.get_vocab().values())) == cutter.get_vocab_size()
    assert cutter.decode(cutter.encode("the cat follows an owl").ids) == "the cat follows an owl"


def test_a_vocabulary_with_too_little_room_keeps_the_most_frequent_characters() -> None:
    cutter = wordpiece.train(iter(["一" * 9 + "二" * 5 + "三" * 2 + "四"]), 8)
    assert set(cutter.get_vocab()) == {*wordpiece.SPECIAL, "一", "二", "三"}


@pytest.mark.parametrize("more", [{}, {"next_sentence": True, "whole_words": True, "precision": "bf16"}], ids=str)
def test_it_learns_and_the_model_opens_anywhere(bench: Bench, more: dict[str, Any]) -> None:
    said = bench.run(**TINY, steps=60, eval_interval=20, d_model=32, eval_batches=8, **more)
    assert said[-1] == Finished(outcome="done")
    series, model = metrics(said), artifacts(said)["model"]
    cutter = Tokenizer.from_file(str(Path(model.path) / "tokenizer.json"))
    counts = np.bincount(cutter.encode(bench.corpus.read_text(encoding="utf-8"), add_special_tokens=False).ids)
    shares = counts[counts > 0] / counts.sum()
    start = -float((shares * np.log(shares)).sum()) + math.log(2) * bool(more)
    assert series["val_loss"][1] == pytest.approx(start, rel=0.1), "it begins with knowing the frequencies"
    assert series["val_loss"][60] < 0.85 * series["val_loss"][1]
    assert 0 <= series["val_accuracy"][1] < series["val_accuracy"][60] <= 1
    assert series["val_accuracy"][60] > 0.1
    assert "bits_per_byte" not in series
    assert ("val_pair_accuracy" in series) == bool(more)
    assert artifacts(said)["tokenizer"].meta["special"] == ["cls", "mask", "pad", "sep", "unk"]
    assert (model.meta["architecture"], model.meta["kind"]) == ("bert", "mlm")
    folder = Path(model.path)
    plain = AutoModelForMaskedLM.from_pretrained(folder)
    theirs = AutoTokenizer.from_pretrained(folder)
    assert (theirs.mask_token, theirs.pad_token, theirs.cls_token) == ("[MASK]", "[PAD]", "[CLS]")
    given = theirs("the cat [MASK] the dog.", return_tensors="pt")
    ours = Filler(plain, cutter).fill("the cat [MASK] the dog.", 5)
    with torch.no_grad():
        logits = plain(**given).logits[0][given["input_ids"][0] == theirs.mask_token_id][0]
    best = torch.softmax(logits.float(), -1).topk(5)
    assert [one["id"] for one in ours["blanks"][0]["candidates"]] == best.indices.tolist()
    assert [one["probability"] for one in ours["blanks"][0]["candidates"]] == pytest.approx(
        best.values.tolist(), rel=1e-4
    )


def test_samples_fill_in_the_blanks_of_held_out_text(bench: Bench) -> None:
    said = bench.run(**TINY)
    samples = [message.data for message in of_type(said, "sample")]
    assert [sample["step"] for sample in samples] == [6, 12]
    for sample in samples:
        assert sample["prompt"].count("[MASK]") == len(sample["blanks"]) > 0
        assert "[MASK]" not in sample["text"]
        for blank in sample["blanks"]:
            assert sample["prompt"][blank["start"] : blank["end"]] == "[MASK]"
            assert len(blank["candidates"]) == 3
            assert blank["answer"]
    assert samples[0]["prompt"] == samples[1]["prompt"]
    restored = samples[0]["prompt"]
    for blank in reversed(samples[0]["blanks"]):
        restored = restored[: blank["start"]] + blank["answer"] + restored[blank["end"] :]
    assert restored in story()


@pytest.mark.parametrize(
    ("prompt", "asked"),
    [
        ("the cat [MASK] the [MASK].", "the cat [MASK] the [MASK]."),
        ("the cat", "the cat [MASK]"),
        ("小[MASK]", "小[MASK]"),
    ],
)
def test_a_prompt_of_ones_own(bench: Bench, prompt: str, asked: str) -> None:
    sample = next(of_type(bench.run(**TINY, sample_prompt=prompt), "sample")).data
    assert sample["prompt"] == asked
    assert len(sample["blanks"]) == asked.count("[MASK]")


def test_a_prompt_that_is_too_long_is_shown_as_far_as_it_fits(bench: Bench) -> None:
    long = "the cat sees the dog. " * 20
    for prompt in (f"[MASK] {long}", f"{long} [MASK]"):
        sample = next(of_type(bench.run(**TINY, sample_prompt=prompt), "sample")).data
        assert sample["prompt"].count("[MASK]") == len(sample["blanks"]) == 1


def test_a_tokenizer_without_a_mask_is_refused_with_the_reason(new_bench: NewBench) -> None:
    bench = new_bench()
    tokenizer = Path(artifacts(bench.run(steps=1))["tokenizer"].path)
    bench.inputs["tokenizer"] = bench.file(tokenizer / "tokenizer.json")
    last = bench.run(**TINY, tokenizer="00000000-0000-4000-8000-000000000001")[-1]
    assert isinstance(last, Failed)
    assert (last.failure, last.message) == (
        "bad_input",
        "This tokenizer has no mask token, which a masked model needs.",
    )


def test_a_library_tokenizer_with_a_mask_is_taken_as_it_is(bench: Bench) -> None:
    tokenizer = Path(artifacts(bench.run(**TINY, steps=1))["tokenizer"].path)
    bench.inputs["tokenizer"] = bench.file(tokenizer / "tokenizer.json")
    again = bench.run(**TINY, steps=2, tokenizer="00000000-0000-4000-8000-000000000001")
    assert set(artifacts(again)) == {"model"}
    config = json.loads((Path(artifacts(again)["model"].path) / "tokenizer_config.json").read_text())
    assert config["mask_token"] == "[MASK]"


@pytest.mark.parametrize("more", [{}, {"whole_words": True, "next_sentence": True}], ids=str)
def test_one_line_over_and_over_is_trained_on_and_said_to_be_so(new_bench: NewBench, more: dict[str, Any]) -> None:
    said = new_bench("the cat sees the dog.\n" * 300).run(**TINY, **more)
    assert said[-1] == Finished(outcome="done")
    assert any("repeats itself" in message.data["message"] for message in of_type(said, "log"))


@pytest.mark.parametrize("text", ["a", "\n\n", "the cat sees\n"])
def test_a_text_that_is_too_short_is_bad_input(new_bench: NewBench, text: str) -> None:
    last = new_bench(text).run(**TINY)[-1]
    assert isinstance(last, Failed)
    assert last.failure == "bad_input"
    assert "too short" in last.message or "no tokens" in last.message


def test_a_masked_model_fills_in_and_refuses_to_write(bench: Bench) -> None:
    said = bench.run(**TINY, steps=2)
    model = Model(sha256="m", path=artifacts(said)["model"].path)
    shelf = Shelf()
    (found,) = VERBS["fill"](shelf, model, {"text": "小[MASK] sees [MASK].", "candidates": 4})
    assert [(blank["start"], blank["end"]) for blank in found["blanks"]] == [(1, 7), (13, 19)]
    for blank in found["blanks"]:
        chances = [one["probability"] for one in blank["candidates"]]
        assert len(chances) == 4
        assert chances == sorted(chances, reverse=True)
        assert 0 < sum(chances) <= 1
    assert "[MASK]" not in found["filled"]
    for text, reason in (("no blank here", "write \\[MASK\\]"), ("[MASK] " + "cat " * 40, "sees 16 at once")):
        with pytest.raises(BadInput, match=reason):
            list(VERBS["fill"](shelf, model, {"text": text}))
    with pytest.raises(BadInput, match="cannot write on"):
        list(VERBS["generate"](shelf, model, {"prompt": "the"}))
    next_token = {"wing": "prediction", "slug": "next", "params": {}}
    with pytest.raises(BadInput, match="cannot write on"):
        list(VERBS["exhibit"](shelf, model, next_token))


def test_a_language_model_does_not_fill_in(bench: Bench) -> None:
    model = Model(sha256="m", path=artifacts(bench.run(steps=1))["model"].path)
    with pytest.raises(BadInput, match="cannot fill in blanks"):
        list(VERBS["fill"](Shelf(), model, {"text": "the [MASK]"}))


@pytest.mark.parametrize("pairs", [False, True])
def test_its_folder_can_be_brought_back_and_still_fills_in(bench: Bench, tmp_path: Path, pairs: bool) -> None:
    folder = Path(artifacts(bench.run(**TINY, steps=2, next_sentence=pairs))["model"].path)
    before = TransformersModel(folder).fill("the cat [MASK].", 3)
    brought = Path(shutil.copytree(folder, tmp_path / "brought"))
    about = check_model(brought)
    assert (about["architecture"], about["layers"], about["context"]) == ("bert", 1, 16)
    assert TransformersModel(brought).fill("the cat [MASK].", 3) == before
    assert check_tokenizer(brought / "tokenizer.json")["special"] == ["cls", "mask", "pad", "sep", "unk"]
