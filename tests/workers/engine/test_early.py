"""Ending early: at the same step and with the same model however often the run was cut off."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from playground.domain.messages import Finished
from tests.workers.engine.attempts import Bench, Up, artifacts, metrics, of_type, remember, story
from tests.workers.engine.test_resume import assert_same
from workers.engine.checkpoints import Progress
from workers.engine.stopping import judged

WORSE: dict[str, Any] = {
    "steps": 400,
    "eval_interval": 4,
    "patience": 3,
    "learning_rate": 0.3,
    "min_learning_rate_ratio": 1.0,
    "warmup_steps": 6,
    "checkpoint_interval": 5,
    "dropout": 0.1,
}
"""So high a rate that the held-out loss soon rises."""


@pytest.fixture(scope="module")
def reference(nest: str, tmp_path_factory: pytest.TempPathFactory) -> list[Up]:
    """The undisturbed run."""
    return Bench(nest, tmp_path_factory.mktemp("early"), story()).run(**WORSE)


def receipt(said: list[Up]) -> dict[str, Any]:
    """The receipt in the model's folder."""
    found: dict[str, Any] = json.loads((Path(artifacts(said)["model"].path) / "receipt.json").read_text())
    return found


def test_a_run_ends_when_it_gets_no_better_and_keeps_its_best_model(reference: list[Up]) -> None:
    assert reference[-1] == Finished(outcome="done")
    losses = metrics(reference)["val_loss"]
    best = min(losses, key=lambda step: losses[step])
    evaluations = sorted(losses)
    assert evaluations.index(best) == len(evaluations) - 1 - WORSE["patience"]
    last = evaluations[-1]
    assert max(metrics(reference)["loss"]) == last < WORSE["steps"]
    told = [message.data["message"] for message in of_type(reference, "log")]
    assert any(f"Ended after step {last}: no evaluation since step {best} " in text for text in told)
    assert any(f"The model is that of step {best}, " in text for text in told)
    meta = artifacts(reference)["model"].meta
    assert (meta["step"], meta["val_loss"], receipt(reference)["step"]) == (best, losses[best], best)
    assert max(message.data["step"] for message in of_type(reference, "sample")) == last


@pytest.mark.parametrize("seed", range(3))
def test_a_resumed_run_ends_at_the_same_step_with_the_same_model(bench: Bench, reference: list[Up], seed: int) -> None:
    dice = random.Random(seed)
    end = max(metrics(reference)["loss"])
    said: list[Up] = []
    for _ in range(3):
        attempt = bench.start(recorded=remember(said), **WORSE)
        reached = max(metrics(said).get("loss", {0: 0.0}))
        attempt.until_step(min(reached + dice.randint(1, end // 2), end))
        if dice.random() < 0.5:
            attempt.ask("evaluate")  # must not count
        said += attempt.kill()
    said += bench.start(recorded=remember(said), **WORSE).finish()
    scheduled = metrics(reference)["val_loss"]
    for message in of_type(said, "metrics"):
        if "val_loss" in message.data and message.data["step"] not in scheduled:
            del message.data["val_loss"], message.data["bits_per_byte"]
    assert_same(said, reference)
    assert receipt(said)["step"] == receipt(reference)["step"]


def test_looks_that_somebody_asks_for_do_not_bring_the_end_nearer(bench: Bench, reference: list[Up]) -> None:
    attempt = bench.start(**WORSE)
    for step in range(1, 6):
        attempt.until_step(step)
        attempt.ask("evaluate")
    said = attempt.finish()
    assert len(metrics(said)["val_loss"]) > len(metrics(reference)["val_loss"])
    assert max(metrics(said)["loss"]) == max(metrics(reference)["loss"])
    assert receipt(said)["step"] == receipt(reference)["step"]


def test_a_run_that_was_cut_off_after_its_end_ends_there_again(bench: Bench, reference: list[Up]) -> None:
    said = bench.run(**WORSE)
    again = bench.start(recorded=remember(said), **WORSE).finish()
    assert again[-1] == Finished(outcome="done")
    assert not metrics(again)
    hashes = [receipt(run)["model_sha256"] for run in (again, reference)]
    assert hashes[0] == hashes[1]
    assert artifacts(again)["model"].meta["val_loss"] == artifacts(reference)["model"].meta["val_loss"]


def test_what_counts_as_better() -> None:
    stood = Progress()
    for step, (loss, least, expected) in enumerate(
        [(5.0, 0.1, (5.0, 1, 0)), (4.95, 0.1, (5.0, 1, 1)), (4.875, 0.125, (4.875, 3, 0)), (4.875, 0.0, (4.875, 3, 1))],
        1,
    ):
        stood = judged(stood, loss, step, least)
        assert (stood.best_loss, stood.best_step, stood.waited) == expected
