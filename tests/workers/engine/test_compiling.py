"""Compiled runs: the same curve as without compiling, exact resumption, and a decision that stands once it was made."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from playground.domain.messages import Failed, Finished
from tests.workers.engine.attempts import Attempt, Bench, Up, artifacts, exact, metrics, of_type, remember, story
from tests.workers.engine.conftest import opened
from tests.workers.engine.instructed import TUNING, tuned
from workers.engine.compiling import NO
from workers.engine.files import sha256

SHAPE: dict[str, Any] = {"n_layer": 2, "steps": 8}
CASES: dict[str, dict[str, Any]] = {
    "clm": {},
    "clm in bf16": {"precision": "bf16", "architecture": "gpt2", "gradient_checkpointing": True},
    "mlm": {"kind": "mlm", "vocab_size": 258, "next_sentence": True},
    "lora_sft": {"kind": "lora_sft", **TUNING},
    "sft": {"kind": "sft", **TUNING},
}
USUAL = ("clm in bf16", "lora_sft")
EACH = [pytest.param(name, marks=() if name in USUAL else pytest.mark.campaign) for name in CASES]
"""Each compiles for most of a minute: `make test` tries two, `make campaign` the others."""
FOREVER = {**SHAPE, "steps": 10_000_000, "checkpoint_interval": 2}
"""A run that is worth compiling."""
COMPILING, RESUMED = "Compiling the network", "Resumed after"
NewBench = Callable[..., Bench]


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled code that the runs of all tests share, as those of one site do."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def site(new_bench: NewBench, cache: Path) -> NewBench:
    """Make a home whose cache is that of the others."""

    def make() -> Bench:
        bench = new_bench()
        bench.folder.parent.with_name("cache").symlink_to(cache)
        return bench

    return make


def started(bench: Bench, said: list[Up], **params: Any) -> Attempt:
    """The next attempt of a case, which is told what the ones before have said."""
    kind = params.get("kind", "clm")
    shape = {} if kind.endswith("sft") else SHAPE
    return bench.start(recorded=remember(said), **{**shape, "steps": 8, **params})


def told(said: list[Up], words: str) -> bool:
    """Whether a line of the log has these words."""
    return any(words in message.data["message"] for message in of_type(said, "log"))


def compiled(said: list[Up]) -> str:
    """What the receipt of the model says."""
    receipt = json.loads((Path(artifacts(said)["model"].path) / "receipt.json").read_text())
    return str(receipt["environment"]["compiled"])


def made(bench: Bench, params: dict[str, Any]) -> Bench:
    """The bench, with a base to tune where the kind needs one."""
    if params.get("kind", "clm").endswith("sft"):
        tuned(bench, n_layer=2)
    return bench


@pytest.mark.slow
@pytest.mark.parametrize("name", EACH)
def test_a_compiled_run_has_the_curve_of_one_that_is_not(site: NewBench, name: str) -> None:
    params = CASES[name]
    plain, faster = (started(made(site(), params), [], **params, compile=how).finish() for how in ("off", "on"))
    assert plain[-1] == faster[-1] == Finished(outcome="done"), faster[-1]
    assert told(faster, COMPILING)
    assert not told(plain, COMPILING)
    assert compiled(plain) == NO
    assert "g++" in compiled(faster) or "clang" in compiled(faster)
    close = 0.01 if params.get("precision") == "bf16" else 1e-4
    for series in ("loss", "val_loss"):
        assert metrics(faster)[series] == pytest.approx(metrics(plain)[series], rel=close)
    assert exact(metrics(faster)["grad_norm"]) != exact(metrics(plain)["grad_norm"]), "nothing was compiled"


@pytest.mark.slow
@pytest.mark.parametrize("name", EACH)
def test_a_compiled_run_is_resumed_bit_for_bit(new_bench: NewBench, site: NewBench, name: str) -> None:
    """The undisturbed one compiles anew, with a cache of its own; the others find what is there."""
    hard = {"gradient_accumulation": 2, "checkpoint_interval": 2, "compile": "on", **CASES[name]}
    hard |= {} if "sft" in name else {"dropout": 0.1}
    reference = started(made(new_bench(), hard), [], **hard).finish()
    bench, said = made(site(), hard), list[Up]()
    for step in (3, 6):
        attempt = started(bench, said, **hard)
        attempt.until_step(step)
        said += attempt.kill()
    said += started(bench, said, **hard).finish()
    assert said[-1] == Finished(outcome="done"), said[-1]
    assert told(said, RESUMED)
    for series in ("loss", "grad_norm", "val_loss"):
        assert exact(metrics(said)[series]) == exact(metrics(reference)[series]), series
    (ours,), (theirs,) = (Path(artifacts(run)["model"].path).glob("*.safetensors") for run in (said, reference))
    assert sha256(ours) == sha256(theirs)


@pytest.mark.slow
@pytest.mark.parametrize("steps", [1, 5])
def test_what_auto_decided_stands(site: NewBench, steps: int) -> None:
    """Killed before the first checkpoint or after it, and gone on with a budget that is not worth compiling."""
    bench = site()
    attempt = bench.start(**FOREVER)
    attempt.until_step(steps)
    said = attempt.kill()
    assert told(said, COMPILING)
    again = bench.start(recorded=remember(said), **{**FOREVER, "steps": 8}).finish()
    assert told(again, RESUMED) == (steps == 5)
    assert told(again, COMPILING)
    assert compiled(again) != NO


def test_a_run_that_began_without_goes_on_without(bench: Bench) -> None:
    attempt = bench.start(**{**FOREVER, "steps": 200})
    attempt.until_step(5)
    said = attempt.kill()
    said += bench.start(recorded=remember(said), **FOREVER, planned=10_000_000).kill()
    assert not told(said, COMPILING)


@contextmanager
def elsewhere(compiler: str) -> Iterator[str]:
    """A nest on a machine with another C++ compiler."""
    with opened({**os.environ, "CXX": compiler}) as address:
        yield address


@pytest.mark.parametrize("compiler", ["there-is-no-such-compiler", "false"])
def test_without_a_compiler(tmp_path: Path, compiler: str) -> None:
    """One that is not there, and one that does not work: demanded it is a refusal, else the run does without."""
    with elsewhere(compiler) as nest:
        refused = Bench(nest, tmp_path / "demanded", story()).run(**SHAPE, compile="on")
        assert isinstance(refused[-1], Failed)
        assert refused[-1].failure == "bad_input"
        assert refused[-1].message.startswith("The network cannot be compiled: ")
        attempt = Bench(nest, tmp_path / "left", story()).start(**FOREVER)
        attempt.until_step(2)
        said = attempt.kill()
    assert told(said, "Goes on without compiling the network: ")


@pytest.mark.parametrize("kind", ["mlm", "lora_sft"])
def test_auto_leaves_what_was_not_measured_to_gain(bench: Bench, kind: str) -> None:
    made(bench, CASES[kind])
    attempt = bench.start(**CASES[kind], steps=10_000_000)
    attempt.until_step(2)
    assert not told(attempt.kill(), COMPILING)


def test_rows_of_different_lengths_are_refused(bench: Bench) -> None:
    tuned(bench)
    refused = bench.run(kind="lora_sft", **TUNING, packing=False, compile="on")[-1]
    assert isinstance(refused, Failed)
    assert "switch packing on" in refused.message
