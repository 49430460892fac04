"""The state of a run on disk: safetensors and a manifest, never pickle, and never half a one.

A checkpoint is a folder `<step>-<attempt>` that appears by renaming once all of it is on disk. The newest two are
kept, and a bounded history for forks (see `playground.domain.checkpoints`). Loading verifies the hash of every file and
falls back to the one before; a checkpoint that cannot be written leaves the last good one as it was.
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

from playground.domain.checkpoints import KEPT, MANIFEST, STATE, name_of, numbers, room, spread
from playground.domain.errors import BadInput
from workers.engine.files import appearing_folder, sha256


@dataclass(frozen=True)
class Progress:
    """Where a run stands: steps done, tokens learned from, seconds spent on it, and its planned steps if known.

    `best_loss` is the lowest held-out loss of the evaluations that count for an early end, `best_step` its step, and
    `waited` how many of them have passed since.
    """

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    planned: int | None = None
    best_loss: float | None = None
    best_step: int = 0
    waited: int = 0


@dataclass(frozen=True)
class Checkpoint:
    """A verified checkpoint, ready to continue from."""

    path: Path
    progress: Progress
    identity: dict[str, Any]
    tail: list[dict[str, Any]]
    tensors: dict[str, Tensor]
    tokenizer: str = ""


def save(
    folder: Path,
    attempt: int,
    progress: Progress,
    tensors: Iterable[tuple[str, Tensor]],
    identity: dict[str, Any],
    tail: list[dict[str, Any]],
    tokenizer: str = "",
) -> Path:
    """Write a checkpoint, and drop those before the last two that the history has no room for.

    `identity` says what the numbers depend on, `tail` has the last reports that were made, `tokenizer` the hash of what
    the numbers of the vocabulary mean.

    Raises OSError, or safetensors' error, when the disk is full; what was there before is untouched then, but for a
    history that the disk has no space for any more.
    """
    path = folder / name_of(progress.step, attempt)
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    _thin(folder, attempt)
    with appearing_folder(path) as part:
        save_file({name: tensor.cpu().contiguous() for name, tensor in tensors}, part / STATE)
        manifest = {
            "format": 1,
            "progress": asdict(progress),
            "identity": identity,
            "sha256": sha256(part / STATE),
            "tail": tail,
            "tokenizer": tokenizer,
        }
        (part / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    _thin(folder, attempt)
    return path


def _thin(folder: Path, attempt: int) -> None:
    """Keep the newest checkpoints and as much of the history as there is room for."""
    old = {path: int(path.name.partition("-")[0]) for path in _listed(folder, attempt)[KEPT:]}
    sizes = [file.stat().st_size for path in old for file in path.glob(STATE)]
    kept = spread(sorted(set(old.values())), room(max(sizes, default=0), shutil.disk_usage(folder).free))
    for path, step in old.items():
        if step not in kept:
            shutil.rmtree(path, ignore_errors=True)


def newest(folder: Path, complain: Callable[[str], None]) -> Iterator[Checkpoint]:
    """The checkpoints that are whole, from the newest on; `complain` is told of each that is not."""
    for path in _listed(folder):
        try:
            found = _read(path)
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            complain(f"Checkpoint {path.name} is damaged and is passed over: {error}.")
        else:
            yield found


def base(folder: Path, step: int) -> Checkpoint:
    """The checkpoint of another run, from which this one begins. Raises BadInput where it is not there or damaged."""
    for path in _listed(folder):
        try:
            found = _read(path)
        except (OSError, ValueError, KeyError, TypeError, SafetensorError):
            continue
        if found.progress.step == step:
            return found
    raise BadInput(f"This run begins from a checkpoint of step {step:,}, which is damaged or not on this machine.")


def tidy(folder: Path) -> None:
    """Remove what an attempt that died in the middle of writing has left."""
    for part in folder.glob(".*"):
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)


def _listed(folder: Path, attempt: int | None = None) -> list[Path]:
    """Checkpoints from the newest on; with `attempt`, those of it and of the ones before it."""
    found = [path for path in folder.glob("*-*") if path.is_dir() and numbers(path.name)]
    own = [path for path in found if attempt is None or int(path.name.partition("-")[2]) <= attempt]
    return sorted(own, key=lambda path: path.name, reverse=True)


def _read(path: Path) -> Checkpoint:
    manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    if sha256(path / STATE) != manifest["sha256"]:
        raise ValueError("its content does not match its hash")
    progress = Progress(**manifest["progress"])
    tensors = load_file(path / STATE)
    return Checkpoint(path, progress, manifest["identity"], manifest["tail"], tensors, manifest.get("tokenizer", ""))
