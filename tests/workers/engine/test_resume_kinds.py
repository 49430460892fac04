"""Every kind of run, cut off at random places and inside the writing of checkpoints, ends as if it had not been.

A new kind is among them by itself; a line in `HARDER` gives it harder parameters. The last test proves the others: what
is left out of a checkpoint, they find out.
"""

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from playground.domain.messages import Finished, Plan
from playground.domain.registry import kinds
from tests.workers.engine.attempts import Attempt, Bench, Up, artifacts, exact, metrics, of_type, remember, story
from tests.workers.engine.instructed import TUNING, tuned
from workers.engine.files import sha256

STEPS, KILLS, POINTS = 24, 4, 20
HARD: dict[str, Any] = {
    "dropout": 0.1, "gradient_accumulation": 2, "steps": STEPS, "checkpoint_interval": 2, "eval_interval": 6
}  # fmt: skip
"""Dropout and accumulation, where a kind has them, need every random number of a step to depend on the step alone."""


@dataclass(frozen=True)
class Case:
    """A kind with the parameters that are hardest to repeat, and what its bench needs besides the story."""

    kind: str
    params: dict[str, Any]
    prepare: Callable[[Bench], object] = lambda bench: None


MASKED = {"vocab_size": 258, "next_sentence": True, "whole_words": True}
HARDER = {
    "clm": Case("clm", {}),
    "clm on two": Case("clm", {"devices": 2}),
    "clm in bf16": Case("clm", {"precision": "bf16", "architecture": "gpt2", "patience": 50}),
    "mlm": Case("mlm", {"vocab_size": 258}),
    "mlm of pairs in bf16": Case("mlm", {**MASKED, "precision": "bf16"}),
    "lora_sft": Case("lora_sft", TUNING, tuned),
    "sft": Case("sft", TUNING, tuned),
}


def usual(name: str) -> Case:
    """The case of a kind that nothing harder is known for: one that starts from a model gets a model."""
    return Case(name, TUNING, tuned) if "model" in kinds()[name].Params.model_fields else Case(name, {})


NAMED = {case.kind for case in HARDER.values()}
CASES = HARDER | {name: usual(name) for name, kind in kinds().items() if kind.work == "train" and name not in NAMED}
every_kind = pytest.mark.parametrize("name", CASES)
pytestmark = pytest.mark.slow


class Trial:
    """A home with one job of a case in it."""

    def __init__(self, nest: str, home: Path, case: Case) -> None:
        self.bench, self._case = Bench(nest, home, story()), case
        case.prepare(self.bench)

    def attempt(self, said: list[Up]) -> Attempt:
        """The next attempt, which is told what the ones before have said."""
        plans = [message.steps for message in said if isinstance(message, Plan)]
        known = kinds()[self._case.kind].Params.model_fields
        params = {**{name: value for name, value in HARD.items() if name in known}, **self._case.params}
        planned = plans[-1] if plans else None
        return self.bench.start(recorded=remember(said), planned=planned, kind=self._case.kind, **params)


@pytest.fixture(scope="module")
def undisturbed(nest: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[Up]]:
    """What a run of a case says that nothing happens to; each is made once."""
    known: dict[str, list[Up]] = {}

    def of(name: str) -> list[Up]:
        if name not in known:
            known[name] = Trial(nest, tmp_path_factory.mktemp("undisturbed"), CASES[name]).attempt([]).finish()
            assert known[name][-1] == Finished(outcome="done"), known[name][-1]
        return known[name]

    return of


def weights(said: list[Up]) -> str:
    """The hash of the weights that a run has left."""
    (file,) = Path(artifacts(said)["model"].path).glob("*.safetensors")
    return sha256(file)


def assert_same(said: list[Up], reference: list[Up]) -> None:
    """The joined story of all attempts equals the undisturbed one, in every bit."""
    assert said[-1] == Finished(outcome="done"), said[-1]
    ours, theirs = metrics(said), metrics(reference)
    timed = {"seconds", "tokens_per_s", "memory"}
    assert ours.keys() == theirs.keys()
    for name in theirs.keys() - timed:
        assert exact(ours[name]) == exact(theirs[name]), name
    samples = [[message.data for message in of_type(run, "sample")] for run in (said, reference)]
    assert samples[0] == samples[1]
    assert weights(said) == weights(reference)


@every_kind
def test_killed_at_twenty_points(nest: str, tmp_path: Path, undisturbed: Callable[[str], list[Up]], name: str) -> None:
    """Every fourth time while a checkpoint is being written, else a random while after a random step."""
    dice = random.Random(name)
    killed = 0
    while killed < POINTS:
        trial, said = Trial(nest, tmp_path / str(killed), CASES[name]), list[Up]()
        for kill in range(KILLS):
            attempt = trial.attempt(said)
            reached = max(metrics(said).get("loss", {0: 0.0}))
            if kill == 1:
                trial.bench.wait_for_writing(attempt)
            else:
                attempt.until_step(min(reached + dice.randint(1, 4), STEPS - 1))
                time.sleep(dice.random() * 0.02)
            said += attempt.kill()
            killed += 1
        said += trial.attempt(said).finish()
        assert_same(said, undisturbed(name))


def left_out(folder: Path, item: str) -> None:
    """Take one item out of a checkpoint, as a saver would have left it that had never heard of it."""
    manifest = json.loads((folder / "manifest.json").read_text())
    if item in manifest["progress"]:
        del manifest["progress"][item]
    elif item in manifest:
        manifest[item] = type(manifest[item])()
    else:
        tensors = load_file(folder / "state.safetensors")
        save_file({name: one for name, one in tensors.items() if not name.startswith(f"{item}/")}, folder / "new")
        (folder / "new").rename(folder / "state.safetensors")
        manifest["sha256"] = sha256(folder / "state.safetensors")
    (folder / "manifest.json").write_text(json.dumps(manifest))


@every_kind
@pytest.mark.parametrize("item", ["weight", "exp_avg", "exp_avg_sq", "step", "tokens", "tail"])
def test_whatever_is_left_out_of_a_checkpoint_is_found_out(
    nest: str, tmp_path: Path, undisturbed: Callable[[str], list[Up]], name: str, item: str
) -> None:
    trial = Trial(nest, tmp_path, CASES[name])
    attempt = trial.attempt([])
    attempt.until_step(11)
    attempt.kill()
    said = attempt.said[:-6] if item == "tail" else attempt.said  # the tail is for what a ledger did not get
    for folder in trial.bench.checkpoints():
        left_out(folder, item)
    said += trial.attempt(said).finish()
    with pytest.raises(AssertionError):
        assert_same(said, undisturbed(name))
