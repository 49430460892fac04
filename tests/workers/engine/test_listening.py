"""While a network is compiled its run hears what its owner wants, and a compiler that hangs is ended."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from safetensors.torch import load_file

from playground.domain.checkpoints import BASE
from playground.domain.messages import Finished
from tests.workers.conftest import wait_for
from tests.workers.engine.attempts import Attempt, Bench, artifacts, metrics, of_type, story
from tests.workers.engine.conftest import opened
from workers.engine.listening import end_compilers

HANGING = """#!/bin/sh
case "$*" in *--version*) echo "g++ of the test"; exit;; esac
exec sleep 1000
"""
OUTCOMES = {"stop": "stopped", "pause": "paused", "preempt": "preempted"}


@pytest.fixture(scope="module")
def hanging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A nest on a machine whose compiler never comes to an end."""
    compiler = tmp_path_factory.mktemp("bin") / "g++"
    compiler.write_text(HANGING)
    compiler.chmod(0o755)
    with opened({**os.environ, "CXX": str(compiler)}) as address:
        yield address


@pytest.fixture
def bench(hanging: str, tmp_path: Path) -> Bench:
    """A home with a job, there."""
    return Bench(hanging, tmp_path / "home", story())


def compiling(bench: Bench, **params: Any) -> tuple[Attempt, list[psutil.Process]]:
    """An attempt that is being compiled, and the processes below it."""
    attempt = bench.start(compile="on", **params)
    while not any("Compiling" in line.data["message"] for line in of_type(attempt.said, "log")):
        assert attempt.read() is not None, attempt.said
    engine = psutil.Process(attempt.pid)

    def below() -> list[psutil.Process]:
        found = engine.children(recursive=True)
        return found if any(process.name() == "sleep" for process in found) else []

    return attempt, wait_for(below, 30)


def all_gone(processes: list[psutil.Process]) -> bool:
    """Whether none of them runs any more."""
    return not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)


@pytest.mark.parametrize(
    ("control", "devices"),
    [
        ("stop", 2),
        ("pause", 1),
        pytest.param("stop", 1, marks=pytest.mark.campaign),
        pytest.param("pause", 2, marks=pytest.mark.campaign),
        pytest.param("preempt", 2, marks=pytest.mark.campaign),
    ],
)
def test_a_wish_is_followed_at_once(bench: Bench, control: str, devices: int) -> None:
    attempt, below = compiling(bench, devices=devices)
    attempt.ask("evaluate")
    attempt.ask(control)
    said = attempt.finish()
    assert said[-1] == Finished.model_validate({"outcome": OUTCOMES[control]})
    assert "model" not in artifacts(said), "there was nothing to keep"
    wait_for(lambda: all_gone(below), 20)


@pytest.mark.parametrize("control", ["stop", pytest.param("pause", marks=pytest.mark.campaign)])
def test_where_it_has_come_from_a_state(nest: str, tmp_path: Path, bench: Bench, control: str) -> None:
    """Stopped, its model is what the state has; paused, it has nothing that the state has not."""
    parent = Bench(nest, tmp_path / "parent", story())
    parent.run(steps=8, checkpoint_interval=4)
    state = next(path for path in parent.checkpoints() if int(path.name[:9]) == 4)
    shutil.copytree(state, bench.folder / BASE / state.name)
    attempt, below = compiling(bench, base_step=4)
    attempt.ask(control)
    said = attempt.finish()
    assert said[-1] == Finished.model_validate({"outcome": OUTCOMES[control]})
    assert not metrics(said)
    wait_for(lambda: all_gone(below), 20)
    assert ("model" in artifacts(said)) == (control == "stop")
    if control == "stop":
        model = artifacts(said)["model"]
        assert model.meta["step"] == 4
        ours, theirs = load_file(Path(model.path) / "model.safetensors"), load_file(state / "state.safetensors")
        assert ours
        assert all(tensor.equal(theirs[f"weight/{name}"]) for name, tensor in ours.items())


@pytest.mark.campaign
def test_a_run_whose_supervisor_is_gone_ends(bench: Bench) -> None:
    attempt, below = compiling(bench)
    engine = psutil.Process(attempt.pid)
    attempt.conn.close()
    wait_for(lambda: all_gone([engine]), 20)
    for orphan in below:
        orphan.kill()  # an installation's supervisor adopts and ends those


def test_what_is_too_old_is_ended() -> None:
    """The run's own processes, and a compiler that has only begun, go on."""
    others = frozenset(process.pid for process in psutil.Process().children(recursive=True))
    own, hung = (subprocess.Popen(["sleep", "1000"]) for _ in range(2))
    try:
        end_compilers(1000, others)
        assert own.poll() is hung.poll() is None
        deadline = time.monotonic() + 60
        while hung.poll() is None and time.monotonic() < deadline:
            end_compilers(0.5, others | {own.pid})
        assert hung.poll() == -9
        assert own.poll() is None
    finally:
        for process in (own, hung):
            process.kill()
            process.wait()
