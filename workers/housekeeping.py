"""What runs leave on the disk: folders of jobs that were removed, and what the library has taken over already.

A run that is done has given its model to the library; what stays of its folder are its states, from which it can be
forked until it is removed. What is left where a process was killed in between, or where the job was removed later, is
found here. Where the disk is nearly full, states of runs that are done go too, those that ended first before others.
"""

import shutil
import time
from pathlib import Path
from uuid import UUID

from playground.domain.checkpoints import SPARE_BYTES
from playground.domain.job import Status
from playground.ledger.models import Job

HANDED_OVER = ("model-*", "tokenizer-*", ".*", "*/.*")
"""What a finished run has given to the library, and drafts of what it was writing."""

GRACE = 3600.0
"""Seconds for which the folder of an unknown job is left alone: a fork's folder is there before its job is."""


def sweep(folder: Path, grace: float = GRACE, spare: int = SPARE_BYTES) -> list[str]:
    """Remove what is left over in the folder of all jobs' folders; returns the names of the folders that are gone."""
    jobs = [path for path in folder.iterdir() if is_id(path.name)] if folder.is_dir() else []
    ended = {path: _ended(path.name) for path in jobs}
    gone = [path for path, (status, _at) in ended.items() if status is None and _age(path) >= grace]
    done = [path for path, (status, _at) in ended.items() if status == Status.DONE]
    for path in done:
        put_away(path)
    for path in gone:
        shutil.rmtree(path, ignore_errors=True)
    for path in sorted(done, key=lambda path: ended[path][1]):
        if shutil.disk_usage(folder).free >= spare:
            break
        shutil.rmtree(path, ignore_errors=True)
        gone.append(path)
    return [path.name for path in gone]


def put_away(folder: Path) -> None:
    """Leave of a finished run's folder only its states, and nothing where there are none."""
    for pattern in HANDED_OVER:
        for path in folder.glob(pattern):
            shutil.rmtree(path, ignore_errors=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _ended(name: str) -> tuple[str | None, str]:
    """The status of the job of this name, None where there is no such job, and when it ended as sortable text."""
    row = Job.objects.filter(pk=UUID(name)).values_list("status", "finished_at").first()
    return (None, "") if row is None else (row[0], row[1].isoformat() if row[1] else "")


def _age(path: Path) -> float:
    return time.time() - path.stat().st_mtime


def is_id(name: str) -> bool:
    """Whether a folder has a job's name."""
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False
