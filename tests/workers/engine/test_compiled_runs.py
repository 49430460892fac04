"""Compiled runs that branch, that have several processes, and that are compiled at the same time as others."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from playground.domain.checkpoints import BASE, MANIFEST
from playground.domain.messages import Finished
from tests.workers.engine.attempts import Bench, Up, artifacts, exact, metrics, of_type, remember
from tests.workers.engine.instructed import TUNING, tuned
from workers.engine.files import sha256

SHAPE: dict[str, Any] = {"n_layer": 2, "steps": 12, "checkpoint_interval": 3, "eval_interval": 3, "compile": "on"}
HARD: dict[str, Any] = {**SHAPE, "dropout": 0.1, "gradient_accumulation": 2}
FROM = 6
NewBench = Callable[..., Bench]


@pytest.fixture
def site(new_bench: NewBench, tmp_path: Path) -> NewBench:
    """Make a home whose compiled code is that of the others of the test."""
    cache = tmp_path / "cache"
    cache.mkdir()

    def make() -> Bench:
        bench = new_bench()
        bench.folder.parent.with_name("cache").symlink_to(cache)
        return bench

    return make


def compiles(said: list[Up]) -> bool:
    """Whether the log says that it does."""
    return any(line.data["message"].startswith("Compiling") for line in of_type(said, "log"))


def lend(parent: Bench, branch: Bench, step: int = FROM) -> Path:
    """Give a job another one's state after a step."""
    state = next(path for path in parent.checkpoints() if int(path.name[:9]) == step)
    lent = branch.folder / BASE / state.name
    shutil.copytree(state, lent)
    return lent


def assert_equal(said: list[Up], reference: list[Up], after: int = 0) -> None:
    """The same numbers in every step after one, to the last bit, and the same weights."""
    assert said[-1] == reference[-1] == Finished(outcome="done"), said[-1]
    for name in ("loss", "grad_norm", "val_loss"):
        rest = {step: value for step, value in metrics(reference)[name].items() if step > after}
        assert exact(metrics(said)[name]) == exact(rest), name
    ours, theirs = (sha256(Path(artifacts(run)["model"].path) / "model.safetensors") for run in (said, reference))
    assert ours == theirs


@pytest.mark.campaign
def test_a_fork_of_a_compiled_run(site: NewBench) -> None:
    """Unchanged it is the rest of its parent; without compiling it goes its own way, and so it does at another rate."""
    parent = site()
    whole = parent.run(**HARD)

    def branch(**params: Any) -> list[Up]:
        bench = site()
        lend(parent, bench)
        return bench.start(base_step=FROM, **{**HARD, **params}).finish()

    for same in ("on", "auto"):
        said = branch(compile=same)
        assert compiles(said)
        assert_equal(said, whole, FROM)
    for other in ({"compile": "off"}, {"learning_rate": 0.001}):
        said = branch(**other)
        assert said[-1] == Finished(outcome="done")
        assert compiles(said) == (other.get("compile") != "off")
        assert exact(metrics(said)["grad_norm"]).items() - exact(metrics(whole)["grad_norm"]).items()


def test_a_fork_whose_rows_differ_in_length_is_not_compiled(bench: Bench, new_bench: NewBench) -> None:
    """Its parent was: that alone is no reason to compile every length that comes."""
    params = {"kind": "sft", **TUNING, "steps": 8, "checkpoint_interval": 3}
    tuned(bench)
    assert bench.start(**params).finish()[-1] == Finished(outcome="done")
    other = new_bench()
    other.inputs = bench.inputs
    manifest = lend(bench, other) / MANIFEST
    manifest.write_text(manifest.read_text().replace('"compiled": "no"', '"compiled": "g++"'))
    assert "g++" in manifest.read_text()
    said = other.start(base_step=FROM, **{**params, "packing": False}).finish()
    assert said[-1] == Finished(outcome="done")
    assert not compiles(said)


@pytest.mark.campaign
def test_several_processes_compile_and_one_is_killed(site: NewBench) -> None:
    """Each by itself; what they learn is what one learns, and where one dies the run goes on exactly."""
    plain = {**HARD, "dropout": 0.0}
    one, several = (site().run(**plain, devices=count) for count in (1, 2))
    for name in ("loss", "val_loss"):
        assert list(metrics(several)[name].values()) == pytest.approx(list(metrics(one)[name].values()), rel=1e-4)
    bench, hard = site(), {**HARD, "devices": 2}
    attempt = bench.start(**hard)
    attempt.until_step(5)
    said = attempt.kill()
    said += bench.start(recorded=remember(said), **hard).finish()
    assert_equal(said, site().run(**hard))


@pytest.mark.campaign
def test_two_that_compile_the_same_at_once(site: NewBench) -> None:
    """While a third is killed in the middle of it; what is left in the cache serves a fourth."""
    first, second, victim = (site().start(**HARD) for _ in range(3))
    while not compiles(victim.said):
        assert victim.read() is not None
    victim.kill()
    told = [attempt.finish() for attempt in (first, second)]
    assert_equal(told[0], told[1])
    assert_equal(site().run(**HARD), told[0])
