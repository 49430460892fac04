"""Folders of jobs that nobody needs any more: of jobs that were removed, and of those that are done.

A run that is done has given its model to the library, and its folder goes with its end. What stays behind where a
process was killed in between, or where the job was removed later, is found here.
"""

import shutil
from pathlib import Path
from uuid import UUID

from playground.domain.job import Status
from playground.ledger.models import Job


def sweep(folder: Path) -> list[str]:
    """Remove what is left over in the folder of all jobs' folders; returns the names of what was removed."""
    jobs = [path for path in folder.iterdir() if is_id(path.name)] if folder.is_dir() else []
    over = [path for path in jobs if _status(path.name) in (None, Status.DONE)]
    for path in over:
        shutil.rmtree(path, ignore_errors=True)
    return [path.name for path in over]


def _status(name: str) -> str | None:
    return Job.objects.filter(pk=UUID(name)).values_list("status", flat=True).first()


def is_id(name: str) -> bool:
    """Whether a folder has a job's name."""
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False
