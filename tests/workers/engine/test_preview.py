"""What the preview shows is what the run gets, and nothing in it is cut through or counted wrongly."""

import base64
import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from playground.domain.errors import BadInput
from playground.domain.kind import Batch, Data, Split
from playground.domain.messages import InputFile, Start
from playground.domain.preview import MAX_ROWS
from playground.domain.registry import kinds
from playground.jobs import clm
from tests.workers.engine.attempts import CORPUS_ID, TINY, Bench, artifacts, story
from tests.workers.engine.test_inspect import Inspector
from workers.engine import preview
from workers.engine.port import Port
from workers.engine.run import Run

Frame = dict[str, Any]
Ask = Callable[..., tuple[Frame, list[Frame]]]
FIELDS = ("inputs", "labels", "segments", "documents", "positions", "answers")


def unpacked(packed: dict[str, str]) -> NDArray[Any]:
    """The array in a packed form."""
    raw = np.frombuffer(base64.b64decode(packed["bdata"]), dtype=np.dtype(packed["dtype"]).newbyteorder("<"))
    return raw.reshape([int(size) for size in packed["shape"].split(",")])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a corpus in it."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "text.txt").write_text(story())
    return tmp_path


def inputs(home: Path) -> dict[str, Frame]:
    """What a run of this home reads: its corpus, and its base model if there is one."""
    found = {"corpus": hashlib.sha256((home / "corpus" / "text.txt").read_bytes()).hexdigest()}
    if (home / "model").exists():
        found["model"] = "b" * 64
    return {role: {"path": str(home / role), "sha256": sha256, "meta": {}} for role, sha256 in found.items()}


@pytest.fixture
def ask(home: Path) -> Ask:
    """Ask for batches: what holds for all of them, and each."""

    def look(kind: str = "clm", step: int = 1, batches: int = 1, micro: int = 0, **params: Any) -> Any:
        frames = list(
            preview.show(
                {
                    "kind": kind,
                    "params": tiny(kind) | params,
                    "inputs": inputs(home),
                    "cache": str(home / "cache"),
                    "step": step,
                    "micro": micro,
                    "batches": batches,
                }
            )
        )
        return frames[0]["head"], [frame["batch"] for frame in frames[1:]]

    return look


def tiny(kind: str) -> Frame:
    """The tiny parameters, as far as a kind has them."""
    fields = kinds()[kind].Params.model_fields
    return {name: value for name, value in {**TINY, "model": CORPUS_ID}.items() if name in fields}


def prepared(home: Path, kind: str, params: Frame) -> Run:
    """A real run, ready for its loop, in the same home."""
    ours, _theirs = Pipe()
    folder = home / "jobs" / "job-1"
    folder.mkdir(parents=True)
    order = Start(
        job="job-1",
        attempt=1,
        kind=kind,
        params=params,
        inputs={role: InputFile.model_validate(file) for role, file in inputs(home).items()},
        folder=str(folder),
        threads=1,
    )
    return Run(order, Port(ours))


@pytest.fixture(scope="module")
def base(nest: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that was trained here."""
    said = Bench(nest, tmp_path_factory.mktemp("base"), story()).run(steps=1, block_size=192)
    return Path(artifacts(said)["model"].path)


VARIANTS: list[Frame] = [{}, {"whole_words": True, "next_sentence": True}, {"packing": False}]


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize("kind", sorted(name for name, kind in kinds().items() if kind.work == "train"))
def test_the_arrays_are_those_that_the_loop_gets(kind: str, variant: Frame, home: Path, ask: Ask, base: Path) -> None:
    fields = kinds()[kind].Params.model_fields
    mine = {name: value for name, value in variant.items() if name in fields}
    if kinds()[kind].reads == "lines":
        rows = [{"instruction": f"Add {n} and 2.", "output": f"It is {n + 2} 🦊."} for n in range(40)]
        (home / "corpus" / "text.txt").write_text("".join(json.dumps(row) + "\n" for row in rows))
    if "model" in fields:
        shutil.copytree(base, home / "model")
    params = {"gradient_accumulation": 2, "batch_size": 3, "block_size": 192, "held_out": 0.3, **mine}
    run = prepared(home, kind, tiny(kind) | params)
    for step in (1, 7):
        head, pictures = ask(kind, step=step, batches=4, **params)
        assert head["micros"] == 2
        assert [(one["step"], one["micro"]) for one in pictures] == [(step, 0), (step, 1), (step + 1, 0), (step + 1, 1)]
        for picture in pictures:
            real = run.batch(picture["step"], picture["micro"])
            same(picture, real)
            assert (picture["counts"]["labelled"], picture["counts"]["tokens"]) == (real.learned, real.tokens)


def same(picture: Frame, real: Any) -> None:
    """A picture holds the first rows of what the network gets, bit for bit."""
    for name in FIELDS:
        wanted = getattr(real, name)
        if wanted is None:
            assert picture[name] is None
        else:
            assert np.array_equal(unpacked(picture[name]), wanted.numpy()[:MAX_ROWS]), name


def test_a_run_afterwards_finds_its_text_prepared(home: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    ask()
    monkeypatch.setattr("workers.engine.corpus.sampled", None)
    monkeypatch.setattr("workers.engine.corpus._write", None)
    assert prepared(home, "clm", TINY).batch(1, 0).learned == 64


def test_a_large_text_is_refused_in_words_until_a_run_has_cut_it(
    home: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "MAX_BYTES", 1000)
    with pytest.raises(BadInput, match="not cut into tokens yet") as caught:
        ask()
    assert caught.value.code == "not_prepared"
    assert not [path for path in (home / "cache").rglob("*") if path.is_file()]
    prepared(home, "clm", TINY)
    _head, (picture,) = ask()
    assert picture["rows"] == 4


def test_what_gives_no_batch_names_its_field(ask: Ask) -> None:
    with pytest.raises(BadInput) as caught:
        ask(block_size=8192)
    assert set(caught.value.fields) == {"block_size"}


def test_rows_are_shown_up_to_a_limit_and_all_are_counted(ask: Ask) -> None:
    _head, (picture,) = ask(batch_size=30)
    assert (picture["rows"], len(picture["lines"])) == (30, MAX_ROWS)
    assert picture["counts"]["tokens"] == 30 * 16
    assert unpacked(picture["inputs"]).shape == (MAX_ROWS, 16)


def test_a_row_reads_as_the_text_and_each_token_has_its_group(ask: Ask) -> None:
    for step in range(1, 6):
        _head, (picture,) = ask(step=step, vocab_size=258, block_size=32)
        pieces = {piece["id"]: bytes.fromhex(piece["hex"]) for piece in picture["pieces"]}
        for row, line in zip(unpacked(picture["inputs"]), picture["lines"], strict=True):
            sizes = unpacked(line["sizes"]).tolist()
            assert sum(sizes) == 32
            raw = b"".join(pieces[token] for token in row)
            assert "".join(line["texts"]) == raw.decode(errors="ignore")
            assert "\ufffd" not in "".join(line["texts"])
            at = 0
            for text, size in zip(line["texts"], sizes, strict=True):
                own = b"".join(pieces[token] for token in row[at : at + size])
                at += size
                # Several tokens are one group only where together they are whole characters.
                assert size == 1 or own.decode() == text


@given(text=st.text(max_size=40), cuts=st.lists(st.integers(1, 160), max_size=30), start=st.integers(0, 3))
def test_groups_are_the_shortest_whole_characters(text: str, cuts: list[int], start: int) -> None:
    raw = text.encode()[start:]
    places = sorted({0, len(raw), *(cut for cut in cuts if cut < len(raw))})
    parts = [raw[a:b] for a, b in pairwise(places)]
    found = list(preview.groups(parts))
    assert sum(size for _text, size in found) == len(parts)
    assert "".join(said for said, _size in found) == raw.decode(errors="ignore")
    at = 0
    for said, size in found:
        for shorter in range(1, size):
            with pytest.raises(UnicodeDecodeError):
                b"".join(parts[at : at + shorter]).decode()
        assert said == b"".join(parts[at : at + size]).decode(errors="ignore")
        at += size


def pairs(data: Data, params: Any, split: Split, step: int, micro: int) -> Batch:
    """Two examples of two segments a row, padded, with one word hidden in each way."""
    inputs = np.tile(data.tokens[100:116].astype(np.int64), (10, 1))
    labels, changes = np.full_like(inputs, -100), np.zeros(inputs.shape, dtype=np.uint8)
    documents = np.tile(np.array([0] * 6 + [1] * 7 + [-1] * 3), (10, 1))
    inputs[:, 0] = data.special["eos"]
    for place, how in ((2, 1), (3, 2), (8, 3)):
        labels[:, place], changes[:, place] = inputs[:, place], how
        inputs[:, place] = inputs[:, place] if how == 3 else 5 + how
    return Batch(
        inputs=inputs,
        labels=labels,
        segments=np.tile(np.array([0] * 3 + [1] * 13), (10, 1)),
        documents=documents,
        positions=np.tile(np.array([*range(6), *range(7), 0, 0, 0]), (10, 1)),
        answers=np.arange(10) % 2,
        changes=changes,
    )


def test_a_kind_that_hides_words_is_counted_and_shown_as_it_was(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    aims = {"masked": 0.12, "replaced": 0.015, "kept": 0.015}
    kind = replace(clm.kind, name="pairs", batch=pairs, reads="lines", aims=lambda params: aims)
    monkeypatch.setitem(kinds(), "pairs", kind)
    head, (picture,) = ask("pairs", block_size=16)
    assert head["aims"] == aims
    assert picture["counts"] == {
        "tokens": 130,
        "padding": 30,
        "unknown": 0,
        "words": 120,
        "labelled": 30,
        "masked": 10,
        "replaced": 10,
        "kept": 10,
        "examples": 20,
    }
    before = "".join(picture["original"][0]["texts"])
    now = "".join(picture["lines"][0]["texts"])
    assert before != now
    labels, shown = unpacked(picture["labels"]), unpacked(picture["inputs"])
    assert (labels[:, 8] == shown[:, 8]).all()
    assert unpacked(picture["answers"]).tolist() == [0, 1, 0, 1, 0, 1, 0, 1]
    assert [(one["row"], one["first"], one["tokens"]) for one in picture["examples"][:2]] == [(0, 0, 6), (0, 6, 7)]
    assert picture["examples"][0]["text"].startswith("<|endoftext|>")
    sizes = unpacked(picture["lines"][0]["sizes"]).cumsum().tolist()
    assert {1, 6, 13} <= set(sizes)  # after the control token, and at the borders between examples


def test_what_the_vocabulary_does_not_have_is_counted(home: Path, ask: Ask) -> None:
    rare = "".join(map(chr, range(0x4E00, 0x5200)))
    (home / "corpus" / "text.txt").write_text(f"the cat sees 1 star. {rare}\n" * 3)
    head, (picture,) = ask("mlm", vocab_size=300, batch_size=4)
    batch = unpacked(picture["inputs"])
    assert picture["rows"] == len(batch) == 4
    assert picture["counts"]["unknown"] == (batch == head["special"]["unk"]).sum() > 0
    # Of 1024 characters, 300 places hold fewer than 300.
    assert head["tokens"] > head["unknown"] > 3 * (len(rare) - 300)
    assert ask("clm")[0]["unknown"] == 0


def test_the_child_answers_with_one_frame_for_each_batch(nest: str, home: Path) -> None:
    inspector = Inspector(nest)
    asked: Frame = {"kind": "clm", "params": TINY, "inputs": inputs(home), "cache": str(home / "cache"), "batches": 3}
    frames = inspector.ask("preview", **asked)
    assert [sorted(frame.get("data", frame)) for frame in frames] == [["head"], *[["batch"]] * 3, ["type"]]
    refused = inspector.ask("preview", **{**asked, "params": {**TINY, "block_size": 8192}})
    inspector.conn.close()
    assert set(refused[0]["fields"]) == {"block_size"}
    assert "\ufffd" not in json.dumps(frames, ensure_ascii=False)
