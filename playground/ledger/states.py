"""The states of runs on this machine: which there are, and lending one to a run that goes on from it.

A state is lent by hard links: it costs no space while both runs keep it, and stays with the borrower when the lender is
deleted. Its content is verified by the engine that opens it; here only names and sizes are looked at.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.conf import settings

from playground.domain.checkpoints import BASE, FOLDER, MANIFEST, STATE, numbers


@dataclass(frozen=True)
class State:
    """A state on disk: the steps that were done, its folder, its size in bytes."""

    step: int
    path: Path
    bytes: int


def folder_of(job_id: UUID) -> Path:
    """The folder of a job on this machine."""
    return Path(settings.VITRINE_HOME) / "jobs" / str(job_id)


def states(job_id: UUID) -> list[State]:
    """The states of a run that lie on this machine, by step; the one that it began from is the first of them."""
    found: dict[int, tuple[int, State]] = {}
    for folder in (folder_of(job_id) / BASE, folder_of(job_id) / FOLDER):
        for path in folder.glob("*-*"):
            step, attempt = numbers(path.name) or (0, 0)
            with suppress(FileNotFoundError):
                size = (path / STATE).stat().st_size + (path / MANIFEST).stat().st_size
                if step and attempt >= found.get(step, (0,))[0]:
                    found[step] = (attempt, State(step, path, size))
    return [found[step][1] for step in sorted(found)]


def lend(lender: UUID, step: int, borrower: UUID) -> int | None:
    """Give the newest state at or before `step` to another job as its base; return its step, None where there is none.

    A state that the lender's engine removes at this moment gives way to the one before it.
    """
    for state in reversed([state for state in states(lender) if state.step <= step]):
        target = folder_of(borrower) / BASE / state.path.name
        target.mkdir(parents=True)
        try:
            for name in (STATE, MANIFEST):
                _link(state.path / name, target / name)
        except FileNotFoundError:
            shutil.rmtree(target)
        else:
            return state.step
    return None


def forget(job_id: UUID) -> None:
    """Remove the folder of a job on this machine."""
    shutil.rmtree(folder_of(job_id), ignore_errors=True)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # another file system, or one that knows no links
        shutil.copyfile(source, target)
