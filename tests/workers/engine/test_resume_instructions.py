"""An instruction run that is cut off anywhere and continued is, bit for bit, the run that was not."""

import random
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from playground.domain.checkpoints import MANIFEST, STATE
from playground.domain.messages import Finished
from tests.workers.engine.attempts import Attempt, Bench, Up, artifacts, exact, metrics, of_type, remember, story
from tests.workers.engine.instructed import TUNING, tuned
from workers.engine.files import sha256

WEIGHTS = {"lora_sft": "adapter_model.safetensors", "sft": "model.safetensors"}
HARD: dict[str, Any] = {**TUNING, "gradient_accumulation": 2, "steps": 20, "checkpoint_interval": 3}
"""More than one pass over the blocks, and each step draws several of them."""


def begin(bench: Bench, kind: str, said: list[Up]) -> Attempt:
    """The next attempt, which is told what those before have said; an adapter's dropout needs its dice too."""
    more: dict[str, Any] = {"dropout": 0.1} if kind == "lora_sft" else {}
    return bench.start(recorded=remember(said), planned=20 if said else None, kind=kind, **HARD, **more)


def weights(said: list[Up], kind: str) -> str:
    """The hash of what was learned."""
    return sha256(Path(artifacts(said)["model"].path) / WEIGHTS[kind])


def assert_same(said: list[Up], reference: list[Up], kind: str) -> None:
    """The joined story of all attempts equals the undisturbed one."""
    ours, theirs = metrics(said), metrics(reference)
    for name in ("loss", "grad_norm", "learning_rate", "val_loss", "tokens"):
        assert exact(ours[name]) == exact(theirs[name]), name
    samples = [{m.data["step"]: m.data["text"] for m in of_type(run, "sample")} for run in (said, reference)]
    assert samples[0] == samples[1]
    assert weights(said, kind) == weights(reference, kind)


@pytest.fixture(params=["lora_sft", "sft"], scope="module")
def reference(request: pytest.FixtureRequest, nest: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The kind, and its undisturbed run."""
    bench = Bench(nest, tmp_path_factory.mktemp(request.param), story())
    tuned(bench)
    return request.param, begin(bench, request.param, []).finish()


@pytest.mark.parametrize("seed", range(5))
def test_killed_at_random_points(bench: Bench, reference: Any, seed: int) -> None:
    kind, whole = reference
    tuned(bench)
    dice, said = random.Random(seed), list[Up]()
    for _ in range(4):
        attempt = begin(bench, kind, said)
        attempt.until_step(min(max(metrics(said).get("loss", {0: 0.0})) + dice.randint(1, 6), 20))
        said += attempt.kill()
    said += begin(bench, kind, said).finish()
    assert said[-1] == Finished(outcome="done")
    assert_same(said, whole, kind)


def test_killed_while_a_checkpoint_is_written(bench: Bench, reference: Any) -> None:
    kind, whole = reference
    tuned(bench)
    attempt = begin(bench, kind, [])
    bench.wait_for_writing(attempt)
    said = attempt.kill()
    said += begin(bench, kind, said).finish()
    assert_same(said, whole, kind)


@pytest.mark.parametrize("part", ["weight/", "exp_avg/", "exp_avg_sq/"])
def test_without_any_part_of_a_checkpoint_the_run_is_another(bench: Bench, reference: Any, part: str) -> None:
    kind, whole = reference
    tuned(bench)
    attempt = begin(bench, kind, [])
    attempt.until_step(10)
    said = attempt.kill()
    folder = bench.checkpoints()[-1]
    state = load_file(folder / STATE)
    assert any(name.startswith(part) for name in state)
    save_file({name: torch.zeros_like(t) if name.startswith(part) else t for name, t in state.items()}, folder / STATE)
    manifest = (folder / MANIFEST).read_text()
    before = manifest.partition('"sha256": "')[2][:64]
    (folder / MANIFEST).write_text(manifest.replace(before, sha256(folder / STATE)))
    said += begin(bench, kind, said).finish()
    assert weights(said, kind) != weights(whole, kind)
