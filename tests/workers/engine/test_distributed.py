"""A run on several devices learns what a run on one does, ends as one, and goes on exactly. On CPUs, with gloo."""

import os
import signal
from collections.abc import Callable
from multiprocessing import Pipe
from typing import Any

import psutil
import pytest
import torch
from pydantic import ValidationError

from playground.domain.job import Failure
from playground.domain.kind import Batch
from playground.domain.messages import Failed, Finished, parse_up
from playground.domain.registry import kinds
from tests.workers.conftest import wait_for
from tests.workers.engine.attempts import CORPUS_ID, Attempt, Bench, artifacts, exact, metrics, of_type, remember, story
from tests.workers.engine.instructed import TUNING, tuned
from tests.workers.engine.test_resume import HARD, assert_same, resume
from workers.engine.batches import tensors
from workers.engine.distributed import Crew, Mute

PAIR = {**HARD, "devices": 2}
NewBench = Callable[..., Bench]
PAIRS = {"vocab_size": 258, "next_sentence": True}
LIKE_ONE: dict[str, tuple[str, dict[str, Any]]] = {
    "clm": ("clm", {"gradient_accumulation": 2}),
    "four": ("clm", {"devices": 4}),
    "mlm": ("mlm", {"vocab_size": 258, "gradient_accumulation": 2}),
    "pairs": ("mlm", PAIRS),
    "lora_sft": ("lora_sft", {**TUNING, "learning_rate": 0.003}),
}


@pytest.mark.parametrize("case", LIKE_ONE)
def test_several_learn_what_one_does(new_bench: NewBench, case: str) -> None:
    """Labels are not spread evenly over the rows of masked and of instruction batches."""
    kind, params = LIKE_ONE[case]
    told = []
    for devices in (1, params.get("devices", 2)):
        bench = new_bench()
        if kind == "lora_sft":
            tuned(bench)
        told.append(bench.run(kind=kind, **{"precision": "fp32", **params, "devices": devices}))
        assert told[-1][-1] == Finished(outcome="done"), told[-1][-1]
    one, several = map(metrics, told)
    for name in ("loss", "grad_norm", "val_loss"):
        assert list(one[name]) == list(several[name])
        assert list(several[name].values()) == pytest.approx(list(one[name].values()), rel=1e-4, abs=1e-5), name
    assert one["tokens"] == several["tokens"]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_all_end_with_the_same_weights(bench: Bench, precision: str) -> None:
    bench.start(main="crew", **{**PAIR, "devices": 4, "precision": precision}).finish()
    hashes = {path.name: path.read_text() for path in bench.folder.glob("rank-*")}
    assert sorted(hashes) == ["rank-0", "rank-1", "rank-2", "rank-3"]
    assert len(set(hashes.values())) == 1


@pytest.fixture(scope="module")
def reference(nest: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The undisturbed run on two."""
    return Bench(nest, tmp_path_factory.mktemp("reference"), story()).run(**PAIR)


def others(attempt: Attempt) -> list[psutil.Process]:
    """The other processes of the run; there is one for each further device."""
    return wait_for(lambda: psutil.Process(attempt.pid).children(), 20)


def gone(process: psutil.Process) -> bool:
    """Whether it does not run any more."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_two_runs_on_two_are_the_same_and_unlike_one(bench: Bench, reference: Any, new_bench: NewBench) -> None:
    assert_same(bench.run(**PAIR), reference)
    alone = metrics(new_bench().run(**HARD))["loss"]
    assert exact(alone) != exact(metrics(reference)["loss"]), "each draws its own dropout"


@pytest.mark.parametrize("victims", ["group", "first", "other"])
def test_killed_and_resumed(bench: Bench, reference: Any, victims: str) -> None:
    attempt = bench.start(**PAIR)
    attempt.until_step(9)
    (other,) = others(attempt)
    assert os.getpgid(other.pid) == os.getpgid(attempt.pid) == attempt.pid
    match victims:
        case "group":
            os.killpg(attempt.pid, signal.SIGKILL)
        case "first":
            os.kill(attempt.pid, signal.SIGKILL)
        case "other":
            other.kill()
    said = attempt.finish()
    assert not isinstance(said[-1], Failed), "a death is not the run's fault"
    wait_for(lambda: gone(other) and not psutil.pid_exists(attempt.pid), 20)
    said += resume(bench, said, **PAIR).finish()
    assert said[-1] == Finished(outcome="done")
    assert_same(said, reference)


def test_the_others_tell_only_what_the_first_cannot_know() -> None:
    ours, theirs = Pipe(duplex=False)
    mute = Mute(theirs)
    mute.log("half way")
    mute.metrics(1, loss=2.0)
    mute.send(Failed(failure=Failure.NAN_LOSS, message="all find it"))
    assert not ours.poll()
    word = Failed(failure=Failure.OUT_OF_MEMORY, message="this device is full")
    mute.send(word)
    assert parse_up(ours.recv_bytes()) == word
    assert mute.wish() is None


@pytest.mark.parametrize("control", ["pause", "preempt"])
def test_paused_and_resumed(bench: Bench, reference: Any, control: str) -> None:
    attempt = bench.start(**{**PAIR, "checkpoint_interval": 1000})
    attempt.until_step(7)
    attempt.ask(control)
    said = attempt.finish()
    assert said[-1] == Finished(outcome="paused" if control == "pause" else "preempted")
    said += resume(bench, said, **PAIR).finish()
    assert_same(said, reference)


def test_stopped(bench: Bench) -> None:
    attempt = bench.start(**{**PAIR, "steps": 10_000})
    attempt.until_step(7)
    attempt.ask("stop")
    said = attempt.finish()
    assert said[-1] == Finished(outcome="stopped")
    assert "model" in artifacts(said)


def test_a_budget_in_minutes_is_timed_once_for_all(bench: Bench) -> None:
    times = {"steps": None, "minutes": 0.05, "eval_interval": 1000, "sample_interval": 1000}
    said = bench.run(**{**PAIR, **times})
    assert said[-1] == Finished(outcome="done")


def test_an_early_end_is_the_end_of_all(bench: Bench) -> None:
    said = bench.run(**{**PAIR, "steps": 400, "patience": 1, "eval_interval": 2, "learning_rate": 0.5})
    assert said[-1] == Finished(outcome="done")
    assert max(metrics(said)["loss"]) < 400


def test_a_loss_that_is_not_finite_is_told_once(bench: Bench) -> None:
    said = bench.run(**{**PAIR, "learning_rate": 1e9, "warmup_steps": 0})
    assert isinstance(said[-1], Failed)
    assert said[-1].failure == "nan_loss"
    assert sum(isinstance(message, Failed) for message in said) == 1


def test_bad_input_is_told_by_the_first(new_bench: NewBench) -> None:
    said = new_bench("\n").run(**PAIR)
    assert isinstance(said[-1], Failed)
    assert said[-1].failure == "bad_input"


def test_other_devices_are_told(bench: Bench) -> None:
    """A checkpoint of a run on one, found by a run on two."""
    attempt = bench.start(checkpoint_interval=2)
    attempt.until_step(6)
    said = attempt.kill()
    again = bench.start(recorded=remember(said), checkpoint_interval=2, devices=2).finish()
    logs = [message.data["message"] for message in of_type(again, "log")]
    assert any("Other than before: devices." in text for text in logs)
    assert again[-1] == Finished(outcome="done")


def test_a_batch_that_cannot_be_divided_is_refused() -> None:
    params = kinds()["clm"].Params
    with pytest.raises(ValidationError, match="A batch of 10 cannot be divided evenly among 4 devices"):
        params.model_validate({"corpus": CORPUS_ID, "batch_size": 10, "devices": 4})
    params.model_validate({"corpus": CORPUS_ID, "batch_size": 10, "devices": 5})


def test_parts_are_the_whole() -> None:
    rows = torch.arange(24).reshape(6, 4).numpy()
    labels = rows.copy()
    labels[0] = labels[3, 1:] = -100
    whole = tensors(Batch(rows, labels), torch.device("cpu"))
    parts = [tensors(Batch(rows, labels), torch.device("cpu"), part, 3) for part in range(3)]
    assert torch.equal(torch.cat([part.labels for part in parts]), whole.labels)
    assert [(part.learned, part.tokens) for part in parts] == [(17, 24)] * 3
    assert sum(part.share for part in parts) / 3 == pytest.approx(whole.share)


def test_one_alone_needs_nobody() -> None:
    crew = Crew(0, ["cpu"])
    assert (crew.shared({"a": None}), crew.sum(torch.ones(1), 2.0), crew.in_turn(lambda: 3)) == ({"a": None}, 2.0, 3)
