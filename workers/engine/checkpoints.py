"""The state of a run on disk: safetensors and a manifest, never pickle, and never half a one.

A checkpoint is a folder `<step>-<attempt>` that appears by renaming once all of it is on disk. The newest two are
kept. Loading verifies the hash of every file and falls back to the one before; a checkpoint that cannot be
written leaves the last good one as it was.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from workers.engine.files import appearing_folder, sha256

KEPT = 2
STATE, MANIFEST = "state.safetensors", "manifest.json"


@dataclass(frozen=True)
class Progress:
    """Where a run stands: steps done, tokens learned from, seconds spent on it, and its planned steps if known."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    planned: int | None = None


@dataclass(frozen=True)
class Checkpoint:
    """A verified checkpoint, ready to continue from."""

    path: Path
    progress: Progress
    identity: dict[str, Any]
    tail: list[dict[str, Any]]
    tensors: dict[str, Tensor]


def save(
    folder: Path,
    attempt: int,
    progress: Progress,
    tensors: Iterable[tuple[str, Tensor]],
    identity: dict[str, Any],
    tail: list[dict[str, Any]],
) -> Path:
    """Write a checkpoint and drop those before the last two.

    `identity` says what the numbers depend on, `tail` has the last reports that were made.

    Raises OSError, or safetensors' error, when the disk is full; what was there before is untouched then.
    """
    path = folder / f"{progress.step:09d}-{attempt:04d}"
    if path.exists():
        return path
    with appearing_folder(path) as part:
        save_file({name: tensor.cpu().contiguous() for name, tensor in tensors}, part / STATE)
        manifest = {
            "format": 1,
            "progress": asdict(progress),
            "identity": identity,
            "sha256": sha256(part / STATE),
            "tail": tail,
        }
        (part / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    for old in _listed(folder, attempt)[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
    return path


def newest(folder: Path, complain: Callable[[str], None]) -> Iterator[Checkpoint]:
    """The checkpoints that are whole, from the newest on; `complain` is told of each that is not."""
    for path in _listed(folder):
        try:
            found = _read(path)
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            complain(f"Checkpoint {path.name} is damaged and is passed over: {error}.")
        else:
            yield found


def tidy(folder: Path) -> None:
    """Remove what an attempt that died in the middle of writing has left."""
    for part in folder.glob(".*"):
        shutil.rmtree(part, ignore_errors=True)


def _listed(folder: Path, attempt: int | None = None) -> list[Path]:
    """Checkpoints from the newest on; with `attempt`, those of it and of the ones before it."""
    found = [path for path in folder.glob("*-*") if path.is_dir() and not path.name.startswith(".")]
    own = [path for path in found if attempt is None or int(path.name.partition("-")[2]) <= attempt]
    return sorted(own, key=lambda path: path.name, reverse=True)


def _read(path: Path) -> Checkpoint:
    manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    if sha256(path / STATE) != manifest["sha256"]:
        raise ValueError("its content does not match its hash")
    progress = Progress(**manifest["progress"])
    return Checkpoint(path, progress, manifest["identity"], manifest["tail"], load_file(path / STATE))
