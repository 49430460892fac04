"""Every way in which a run can end before its last step, each with its class and its words."""

import contextlib
import errno
import math
import resource
from collections.abc import Callable
from typing import Any

import psutil
import pytest
import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM

from playground.domain.checkpoints import BASE, FOLDER, name_of
from playground.domain.errors import BadInput
from playground.domain.job import Failure
from playground.domain.messages import Artifact, Failed, Finished
from tests.workers.engine.attempts import Bench, Up, artifacts, exact, metrics, of_type, remember
from workers.engine.child import describe
from workers.engine.objectives import NotFinite


def failure(said: list[Up]) -> Failed:
    """The last word, which must be a failure."""
    assert isinstance(said[-1], Failed)
    return said[-1]


RUNAWAY: dict[str, Any] = {"learning_rate": 90.0, "weight_decay": 10.0, "clip": 0.0, "warmup_steps": 0, "steps": 200}
"""Weights that grow nine-hundredfold in each step, up to what no float holds."""


def test_a_loss_that_is_not_finite_ends_before_the_step(bench: Bench) -> None:
    said = bench.run(**RUNAWAY, eval_interval=1000, sample_interval=1)
    last = failure(said)
    assert last.failure == Failure.NAN_LOSS
    assert last.step is not None
    assert f"step {last.step} " in last.message
    assert "not a finite number" in last.message
    assert max(metrics(said)["loss"]) == last.step - 1 > 1
    silent = f"After step {last.step - 1} the model gives no finite numbers"
    assert any(log.data["message"].startswith(silent) for log in of_type(said, "log"))


def test_after_nan_the_last_good_model_is_kept(bench: Bench) -> None:
    """The state before the loss is finite in every weight, and spoiled all the same; so it is passed over."""
    said = bench.run(**RUNAWAY, checkpoint_interval=1, eval_interval=1000)
    last = failure(said)
    assert last.failure == Failure.NAN_LOSS
    assert last.step is not None
    model = artifacts(said)["model"]
    assert 0 < model.meta["step"] < last.step - 1
    assert math.isfinite(model.meta["val_loss"])
    network = AutoModelForCausalLM.from_pretrained(model.path)
    with torch.no_grad():
        assert network(input_ids=torch.arange(16)[None]).logits.isfinite().all()
    assert any(f"of step {model.meta['step']}, the last state" in log.data["message"] for log in of_type(said, "log"))


@pytest.mark.parametrize("kind", ["clm", "mlm"])
def test_a_hopeless_update_is_not_taken(bench: Bench, kind: str) -> None:
    """Its loss may well stay finite: norms divide what has become large, and zero times anything is zero."""
    sizes = {"vocab_size": 258} if kind == "mlm" else {}
    said = bench.run(kind=kind, learning_rate=1e9, **sizes)
    last = failure(said)
    assert (last.failure, last.step) == (Failure.NAN_LOSS, 1)
    assert last.message.startswith("The update of step 1 would move each weight by about 5e+08, so the step was not")
    assert "loss" not in metrics(said)
    assert not bench.checkpoints()
    assert any("no state to keep" in message.data["message"] for message in of_type(said, "log"))


def test_before_a_hopeless_update_the_state_is_kept(bench: Bench) -> None:
    """A run of four steps, and one that goes on from its end with another rate."""
    bench.run(steps=4)
    (bench.folder / FOLDER).rename(bench.folder / BASE)
    said = bench.run(steps=20, learning_rate=1e9, base_step=4)
    last = failure(said)
    assert (last.failure, last.step) == (Failure.NAN_LOSS, 5)
    assert artifacts(said)["model"].meta["step"] == 4
    assert [path.name for path in bench.checkpoints()] == [name_of(4, 2)]


def test_stop_leaves_a_usable_model(bench: Bench) -> None:
    attempt = bench.start(steps=100_000)
    attempt.until_step(5)
    attempt.ask("stop")
    said = attempt.finish()
    assert said[-1] == Finished(outcome="stopped")
    model = artifacts(said)["model"]
    assert model.meta["step"] == max(metrics(said)["loss"])
    assert AutoModelForCausalLM.from_pretrained(model.path).config.vocab_size == model.meta["vocab_size"]


def test_a_stop_overrules_a_pause(bench: Bench) -> None:
    attempt = bench.start(steps=100_000)
    attempt.ask("pause")
    attempt.ask("stop")
    attempt.ask("pause")
    assert attempt.finish()[-1] == Finished(outcome="stopped")


@pytest.mark.parametrize(("control", "outcome"), [("stop", "stopped"), ("pause", "paused"), ("preempt", "preempted")])
def test_a_control_before_the_first_step(new_bench: Callable[..., Bench], control: str, outcome: str) -> None:
    attempt = new_bench("many words " * 300_000).start(steps=100_000)
    attempt.ask(control)
    said = attempt.finish()
    assert said[-1].model_dump()["outcome"] == outcome
    assert "loss" not in metrics(said)


def test_a_full_disk_leaves_the_last_checkpoint(bench: Bench) -> None:
    """The limit on the size of files stands for the full disk: the write fails in the middle of a checkpoint."""
    params: dict[str, Any] = {"steps": 400, "checkpoint_interval": 3, "d_model": 32}
    attempt = bench.start(**params)
    while not list(of_type(attempt.said, "checkpoint")):
        attempt.read()
    size = next(of_type(attempt.said, "checkpoint")).data["bytes"]
    resource.prlimit(attempt.pid, resource.RLIMIT_FSIZE, (size // 2, size // 2))
    said = attempt.finish()
    assert failure(said).failure == "disk_full"
    good = list(of_type(said, "checkpoint"))[-1].data
    assert bench.checkpoints()[-1] == bench.folder / good["path"]
    assert not list((bench.folder / "checkpoints").glob(".*"))
    again = bench.start(recorded=remember(said), **{**params, "steps": max(metrics(said)["loss"]) + 1}).finish()
    assert again[-1] == Finished(outcome="done")
    assert any(str(good["step"]) in message.data["message"] for message in of_type(again, "log"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("short", "too short"),
        ("one line of text", "too short"),
    ],
)
def test_a_corpus_that_gives_no_block(new_bench: Callable[..., Bench], text: str, words: str) -> None:
    last = failure(new_bench(text).run())
    assert last.failure == Failure.BAD_INPUT
    assert words in last.message


def test_a_corpus_that_is_not_utf_8(bench: Bench) -> None:
    bench.corpus.write_bytes(b"fine so far \xff\xfe and then not" * 100)
    bench.inputs["corpus"] = bench.file(bench.corpus)
    last = failure(bench.run())
    assert last.failure == Failure.BAD_INPUT
    assert "UTF-8" in last.message


def test_parameters_are_parsed_again(bench: Bench) -> None:
    last = failure(bench.run(d_model=17, surprise=1))
    assert last.failure == Failure.BAD_INPUT
    assert "surprise" in last.message


def test_a_child_whose_supervisor_is_gone_leaves(bench: Bench) -> None:
    attempt = bench.start(steps=1_000_000)
    attempt.until_step(2)
    process = psutil.Process(attempt.pid)
    with contextlib.suppress(psutil.NoSuchProcess):
        attempt.conn.close()
        process.wait(60)


class Panic(BaseException):
    """Stands for the panic of a Rust library, which is no Exception either."""


Panic.__name__ = "PanicException"


def test_each_error_has_its_class() -> None:
    cases: list[tuple[BaseException, str]] = [
        (NotFinite("loss", 7), "nan_loss"),
        (BadInput("no"), "bad_input"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk_full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "disk_full"),
        (MemoryError(), "out_of_memory"),
        (torch.OutOfMemoryError("CUDA out of memory"), "out_of_memory"),
        (RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"), "out_of_memory"),
        (SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"), "disk_full"),
        (Panic("index out of bounds"), "bad_input"),
        (ZeroDivisionError(), "internal"),
    ]
    for error, expected in cases:
        assert describe(error).failure == expected


def test_memory_that_runs_out_is_named(bench: Bench) -> None:
    attempt = bench.start(d_model=2048, n_layer=24, block_size=64, batch_size=64, steps=3)
    attempt.until(Artifact)  # the text is cut: what comes next is torch's memory
    limit = 2 * 2**30
    resource.prlimit(attempt.pid, resource.RLIMIT_AS, (limit, limit))
    assert failure(attempt.finish()).failure == Failure.OUT_OF_MEMORY


def test_no_checkpoint_costs_the_curve_nothing(new_bench: Callable[..., Bench]) -> None:
    often = metrics(new_bench().run(checkpoint_interval=1))
    never = metrics(new_bench().run(checkpoint_interval=1000))
    assert exact(often["loss"]) == exact(never["loss"])
