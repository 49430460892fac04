"""A run that goes on from another's checkpoint: exactly as that one would have, or otherwise and again exactly."""

import random
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from playground.domain.checkpoints import BASE, HISTORY, KEPT
from playground.domain.messages import Failed, Finished
from tests.workers.engine.attempts import Bench, Up, artifacts, exact, metrics, of_type, remember, story
from tests.workers.engine.test_resume import HARD, NewBench, assert_same
from workers.engine.files import sha256

HARDER: dict[str, Any] = {**HARD, "eval_interval": 3}
OTHER: dict[str, Any] = {**HARDER, "learning_rate": 0.002, "steps": 30, "seed": 7, "batch_size": 3}
FROM = 12


@pytest.fixture(scope="module")
def parent(nest: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Bench, list[Up]]:
    """A run that came to its end, and all that it said."""
    bench = Bench(nest, tmp_path_factory.mktemp("parent"), story())
    return bench, bench.run(**HARDER)


@pytest.fixture
def branch(parent: tuple[Bench, list[Up]], new_bench: NewBench) -> Callable[[], Bench]:
    """Make a job whose folder has the parent's state after step FROM."""

    def make() -> Bench:
        bench = new_bench()
        state = next(path for path in parent[0].checkpoints() if int(path.name[:9]) == FROM)
        shutil.copytree(state, bench.folder / BASE / state.name)
        return bench

    return make


def logs(said: list[Up]) -> list[str]:
    """The sentences of a run."""
    return [message.data["message"] for message in of_type(said, "log")]


def test_a_finished_run_keeps_its_last_state(parent: tuple[Bench, list[Up]]) -> None:
    assert [int(path.name[:9]) for path in parent[0].checkpoints()] == [4, 8, 12, 16, 20, 24]


def test_the_history_is_bounded(bench: Bench) -> None:
    bench.run(steps=60, checkpoint_interval=2, eval_interval=100, sample_interval=100)
    kept = [int(path.name[:9]) for path in bench.checkpoints()]
    assert len(kept) == HISTORY + KEPT
    assert (kept[0], kept[-2:]) == (2, [58, 60])
    assert max(after - before for before, after in pairwise(kept)) <= 12


def test_a_fork_that_changes_nothing_is_the_rest_of_its_parent(
    parent: tuple[Bench, list[Up]], branch: Callable[[], Bench]
) -> None:
    said = branch().start(base_step=FROM, **HARDER).finish()
    assert said[-1] == Finished(outcome="done")
    ours, theirs = metrics(said), metrics(parent[1])
    for name in ("loss", "grad_norm", "learning_rate", "val_loss", "tokens"):
        rest = {step: value for step, value in theirs[name].items() if step > FROM}
        assert exact(ours[name]) == exact(rest), name
    assert min(ours["seconds"].values()) > theirs["seconds"][FROM]
    hashes = [sha256(Path(artifacts(run)["model"].path) / "model.safetensors") for run in (said, parent[1])]
    assert hashes[0] == hashes[1]
    assert "Goes on from step 12 of another run." in logs(said)


def test_a_fork_with_other_parameters_goes_its_own_way_exactly(
    parent: tuple[Bench, list[Up]], branch: Callable[[], Bench]
) -> None:
    reference = branch().start(base_step=FROM, **OTHER).finish()
    assert list(metrics(reference)["loss"]) == list(range(FROM + 1, 31))
    assert metrics(reference)["loss"][FROM + 1] != metrics(parent[1])["loss"][FROM + 1]
    for seed in range(3):
        dice, bench, said = random.Random(seed), branch(), list[Up]()
        for _ in range(2):
            attempt = bench.start(base_step=FROM, recorded=remember(said), **OTHER)
            reached = max(metrics(said).get("loss", {FROM: 0.0}))
            attempt.until_step(min(reached + dice.randint(1, 7), 29))
            said += attempt.kill()
        said += bench.start(base_step=FROM, recorded=remember(said), **OTHER).finish()
        assert said[-1] == Finished(outcome="done")
        assert_same(said, reference)


def test_a_masked_model_forks_as_exactly(new_bench: NewBench) -> None:
    params = {**HARDER, "kind": "mlm"}
    whole, bench = new_bench(), new_bench()
    reference = whole.run(**params)
    state = next(path for path in whole.checkpoints() if int(path.name[:9]) == FROM)
    shutil.copytree(state, bench.folder / BASE / state.name)
    said = bench.start(base_step=FROM, **params).finish()
    assert said[-1] == Finished(outcome="done"), said[-1]
    for name in ("loss", "grad_norm", "val_loss"):
        rest = {step: value for step, value in metrics(reference)[name].items() if step > FROM}
        assert exact(metrics(said)[name]) == exact(rest), name


def test_another_number_format_fits_the_same_state(branch: Callable[[], Bench]) -> None:
    said = branch().start(base_step=FROM, **{**HARDER, "precision": "bf16"}).finish()
    assert said[-1] == Finished(outcome="done")


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"d_model": 32}, "does not fit"),
        ({"n_layer": 2}, "is missing there"),
        ({"vocab_size": 300}, "another tokenizer"),
        ({"architecture": "gpt2"}, "does not fit"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(branch: Callable[[], Bench], params: dict[str, Any], words: str) -> None:
    said = branch().start(base_step=FROM, **{**HARDER, **params}).finish()
    last = said[-1]
    assert isinstance(last, Failed)
    assert (last.failure, words in last.message) == ("bad_input", True), last.message
    assert not metrics(said)


@pytest.mark.parametrize("how", ["missing", "damaged", "of another step"])
def test_a_state_that_is_not_there_is_said(branch: Callable[[], Bench], how: str) -> None:
    bench = branch()
    (state,) = (bench.folder / BASE).iterdir()
    if how == "missing":
        shutil.rmtree(state)
    if how == "damaged":
        (state / "state.safetensors").write_bytes(b"")
    said = bench.start(base_step=FROM + (how == "of another step"), **HARDER).finish()
    last = said[-1]
    assert isinstance(last, Failed)
    assert (last.failure, "damaged or not on this machine" in last.message) == ("bad_input", True)
