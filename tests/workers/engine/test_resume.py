"""A run that is cut off anywhere and continued is, bit for bit, the run that was not.

The undisturbed run is the oracle: every loss, every held-out loss and every sample must be equal, each step must have
been told once, and the weights of the model must have the same hash.
"""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from playground.domain.messages import Finished, Plan, Recorded
from tests.workers.engine.attempts import Attempt, Bench, Up, artifacts, exact, metrics, of_type, remember, story
from workers.engine.files import sha256

HARD: dict[str, Any] = {"dropout": 0.1, "gradient_accumulation": 2, "steps": 24, "checkpoint_interval": 4}
"""Dropout and accumulation need every random number of a step to depend on the step alone."""
NewBench = Callable[..., Bench]


def assert_same(said: list[Up], reference: list[Up]) -> None:
    """The joined story of all attempts equals the undisturbed one."""
    ours, theirs = metrics(said), metrics(reference)
    for name in ("loss", "grad_norm", "learning_rate", "val_loss", "bits_per_byte", "tokens"):
        assert exact(ours[name]) == exact(theirs[name]), name
    samples = [
        {message.data["step"]: message.data["text"] for message in of_type(run, "sample")} for run in (said, reference)
    ]
    assert samples[0] == samples[1]
    hashes = [sha256(Path(artifacts(run)["model"].path) / "model.safetensors") for run in (said, reference)]
    assert hashes[0] == hashes[1]


def resume(bench: Bench, said: list[Up], **params: Any) -> Attempt:
    """The next attempt, which is told what the ones before have said."""
    plans = [message.steps for message in said if isinstance(message, Plan)]
    return bench.start(recorded=remember(said), planned=plans[-1] if plans else None, **params)


@pytest.fixture(scope="module")
def reference(nest: str, tmp_path_factory: pytest.TempPathFactory) -> list[Up]:
    """The undisturbed run."""
    return Bench(nest, tmp_path_factory.mktemp("reference"), story()).run(**HARD)


@pytest.mark.parametrize("seed", range(4))
def test_killed_at_random_points(bench: Bench, reference: list[Up], seed: int) -> None:
    dice = random.Random(seed)
    said: list[Up] = []
    for _ in range(3):
        attempt = resume(bench, said, **HARD)
        reached = max(metrics(said).get("loss", {0: 0.0}))
        attempt.until_step(min(reached + dice.randint(1, 8), 24))
        said += attempt.kill()
    said += resume(bench, said, **HARD).finish()
    assert said[-1] == Finished(outcome="done")
    assert_same(said, reference)


def test_killed_while_a_checkpoint_is_written(bench: Bench, reference: list[Up]) -> None:
    attempt = bench.start(**HARD)
    bench.wait_for_writing(attempt)
    said = attempt.kill()
    said += resume(bench, said, **HARD).finish()
    assert_same(said, reference)
    assert not list((bench.folder / "checkpoints").glob(".*"))


def test_killed_before_there_was_a_checkpoint(bench: Bench, reference: list[Up]) -> None:
    attempt = bench.start(**{**HARD, "checkpoint_interval": 1000})
    attempt.until_step(9)
    said = attempt.kill()
    assert bench.checkpoints() == []
    said += resume(bench, said, **HARD).finish()
    assert_same(said, reference)


@pytest.mark.parametrize("lost", [1, 10, 1000])
def test_what_the_ledger_did_not_get_is_told_again(bench: Bench, reference: list[Up], lost: int) -> None:
    """A supervisor that dies takes with it what it has not stored; the checkpoint may be further than the story."""
    attempt = bench.start(**HARD)
    attempt.until_step(15)
    attempt.kill()
    said = attempt.said[:-lost]
    said += resume(bench, said, **HARD).finish()
    assert_same(said, reference)


@pytest.mark.parametrize("how", ["flipped", "cut", "no manifest", "empty manifest", "other manifest"])
def test_a_damaged_checkpoint_is_passed_over(bench: Bench, reference: list[Up], how: str) -> None:
    attempt = bench.start(**HARD)
    attempt.until_step(14)
    said = attempt.kill()
    newest = bench.checkpoints()[-1]
    assert [path.name[:9] for path in bench.checkpoints()] == ["000000004", "000000008", "000000012"]
    state, manifest = newest / "state.safetensors", newest / "manifest.json"
    content = bytearray(state.read_bytes())
    match how:
        case "flipped":
            content[-7] ^= 1
            state.write_bytes(content)
        case "cut":
            state.write_bytes(content[: len(content) // 2])
        case "no manifest":
            manifest.unlink()
        case "empty manifest":
            manifest.write_text("")
        case _:
            manifest.write_text("[]")
    again = resume(bench, said, **HARD).finish()
    warnings = [message.data["message"] for message in of_type(again, "log") if message.data["level"] == "warning"]
    assert any(newest.name in text and "damaged" in text for text in warnings)
    assert_same(said + again, reference)


def test_all_checkpoints_damaged_means_from_the_start(bench: Bench, reference: list[Up]) -> None:
    attempt = bench.start(**HARD)
    attempt.until_step(14)
    said = attempt.kill()
    for path in bench.checkpoints():
        (path / "state.safetensors").write_bytes(b"")
    said += resume(bench, said, **HARD).finish()
    assert_same(said, reference)


@pytest.mark.parametrize("control", ["pause", "preempt"])
def test_paused_and_resumed(bench: Bench, reference: list[Up], control: str) -> None:
    attempt = bench.start(**{**HARD, "checkpoint_interval": 1000})
    attempt.until_step(7)
    attempt.ask(control)
    said = attempt.finish()
    assert said[-1] == Finished(outcome="paused" if control == "pause" else "preempted")
    assert "model" not in artifacts(said)
    last = max(metrics(said)["loss"])
    assert bench.checkpoints()[-1].name.startswith(f"{last:09d}")
    said += resume(bench, said, **HARD).finish()
    assert_same(said, reference)


def test_bf16_and_two_threads(new_bench: NewBench) -> None:
    params = {**HARD, "precision": "bf16", "architecture": "gpt2", "d_model": 64}
    undisturbed = new_bench().start(threads=2, **params).finish()
    bench = new_bench()
    attempt = bench.start(threads=2, **params)
    attempt.until_step(11)
    said = attempt.kill()
    said += bench.start(recorded=remember(said), threads=2, **params).finish()
    assert_same(said, undisturbed)


def test_a_run_goes_on_in_the_precision_that_it_began_in(new_bench: NewBench) -> None:
    """Where `auto` would take another one now: on another machine."""
    params = {**HARD, "precision": "bf16"}
    undisturbed = new_bench().run(**params)
    bench = new_bench()
    attempt = bench.start(**params)
    attempt.until_step(11)
    said = attempt.kill()
    said += resume(bench, said, **{**params, "precision": "fp32"}).finish()
    assert_same(said, undisturbed)


def test_a_plan_in_minutes_is_kept(bench: Bench) -> None:
    params: dict[str, Any] = {
        "steps": None,
        "minutes": 0.05,
        "checkpoint_interval": 3,
        "eval_interval": 1000,
        "sample_interval": 1000,
    }
    attempt = bench.start(**params)
    plan = attempt.until(Plan)
    assert isinstance(plan, Plan)
    said = attempt.kill()
    assert max(metrics(said)["loss"]) < plan.steps
    again = resume(bench, said, **params).finish()
    assert [message.steps for message in again if isinstance(message, Plan)] == [plan.steps]
    assert list(metrics(said + again)["loss"]) == list(range(1, plan.steps + 1))


@pytest.mark.parametrize("part", ["weight", "exp_avg", "exp_avg_sq", "step"])
def test_every_part_of_a_checkpoint_matters(bench: Bench, reference: list[Up], part: str) -> None:
    """The test of the tests: a saver that forgot a part would be found out."""
    attempt = bench.start(**HARD)
    attempt.until_step(9)
    said = attempt.kill()
    newest = bench.checkpoints()[-1]
    manifest = json.loads((newest / "manifest.json").read_text())
    tensors = load_file(newest / "state.safetensors")
    for name, tensor in tensors.items():
        if name.startswith(f"{part}/"):
            tensors[name] = torch.zeros_like(tensor)
    if part == "step":
        manifest["progress"]["step"] += 1
    save_file(tensors, newest / "state.safetensors")
    manifest["sha256"] = sha256(newest / "state.safetensors")
    (newest / "manifest.json").write_text(json.dumps(manifest))
    again = resume(bench, said, **HARD).finish()
    losses = metrics(again)["loss"]
    expected = metrics(reference)["loss"]
    assert any(exact(losses)[step] != exact(expected)[step] for step in losses)


def test_other_threads_are_told(bench: Bench) -> None:
    attempt = bench.start(checkpoint_interval=2)
    attempt.until_step(4)
    said = attempt.kill()
    again = bench.start(recorded=remember(said), threads=2, checkpoint_interval=2).finish()
    assert any("threads" in message.data["message"] for message in of_type(again, "log"))


def test_a_checkpoint_of_a_zombie_is_not_in_the_way(bench: Bench, reference: list[Up]) -> None:
    """The old attempt goes on writing while the new one runs: both are right, and neither removes the other's."""
    zombie = bench.start(**HARD)
    zombie.until_step(5)
    heir = bench.start(recorded=Recorded(), **HARD)
    said = heir.finish()
    zombie.finish()
    assert_same(said, reference)


def test_the_first_words_of_a_resumed_run(bench: Bench) -> None:
    attempt = bench.start(checkpoint_interval=2)
    attempt.until_step(6)
    said = attempt.kill()
    again = resume(bench, said, checkpoint_interval=2).finish()
    assert "tokenizer" not in artifacts(again)
    assert any(message.data["message"].startswith("Resumed after step") for message in of_type(again, "log"))
