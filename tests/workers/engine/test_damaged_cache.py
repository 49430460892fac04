"""A cache whose files are damaged, as a power cut or a full disk leaves them: the run compiles anew and is the same."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from playground.domain.messages import Finished
from tests.workers.engine.attempts import Bench, Up, artifacts, exact, metrics
from workers.engine.compiling import NO
from workers.engine.files import sha256


def compiled(said: list[Up]) -> str:
    """What the receipt of the model says."""
    receipt = json.loads((Path(artifacts(said)["model"].path) / "receipt.json").read_text())
    return str(receipt["environment"]["compiled"])


@pytest.mark.campaign
@pytest.mark.parametrize("damage", ["cut", "empty", "zeroes", "python", "a file"])
def test_a_damaged_cache_is_made_anew(new_bench: Callable[..., Bench], damage: str) -> None:
    shape: dict[str, Any] = {"n_layer": 2, "steps": 6, "compile": "on"}
    first = new_bench()
    reference = first.run(**shape)
    assert reference[-1] == Finished(outcome="done"), reference[-1]
    cache = first.folder.parent.parent / "cache" / "compiled"
    if damage == "a file":
        cache.rename(cache.with_name("gone"))
        cache.write_text("not a folder")
    for path in [*cache.rglob("*.py" if damage == "python" else "*.so")]:
        content = path.read_bytes()
        path.write_bytes({"cut": content[: len(content) // 2], "zeroes": bytes(len(content))}.get(damage, b""))
    second = new_bench()
    second.folder.parent.with_name("cache").symlink_to(first.folder.parent.with_name("cache"))
    said = second.run(**shape)
    assert said[-1] == Finished(outcome="done"), said[-1]
    assert compiled(said) == compiled(reference) != NO
    assert exact(metrics(said)["grad_norm"]) == exact(metrics(reference)["grad_norm"])
    ours, theirs = (sha256(Path(artifacts(run)["model"].path) / "model.safetensors") for run in (said, reference))
    assert ours == theirs
