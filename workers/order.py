"""The order that a child receives: everything about one attempt, with paths of this machine in place of ids."""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from playground.domain.errors import BadInput
from playground.domain.messages import InputFile, Start
from playground.ledger.models import Job
from playground.ledger.states import folder_of
from playground.library import store

SHARE = 0.9
"""Of the memory that is free, the part that runs and requests may take."""


@dataclass(frozen=True)
class Station:
    """What a job gets: a device for each of its processes, threads for all of them, bytes of memory of each device."""

    devices: tuple[str, ...]
    threads: int
    memory: int


def jobs_folder() -> Path:
    """The folder of all jobs' folders on this machine."""
    return Path(settings.VITRINE_HOME) / "jobs"


def job_folder(job: Job) -> Path:
    """The folder of a job's checkpoints on this machine."""
    return folder_of(job.pk)


def order(job: Job, attempt: int, station: Station) -> Start:
    """Build the Start message. Raises BadInput where an input is gone."""
    folder = job_folder(job)
    folder.mkdir(parents=True, exist_ok=True)
    return Start(
        job=str(job.pk),
        attempt=attempt,
        kind=job.kind,
        params=job.params,
        inputs=inputs(job),
        folder=str(folder),
        recorded=job.progress_mark(),
        planned_steps=job.steps,
        threads=max(1, (job.params.get("threads") or station.threads) // len(station.devices)),
        device=station.devices[0],
        peers=list(station.devices[1:]),
        memory_limit=station.memory,
        base_step=job.parent_step,
    )


def inputs(job: Job) -> dict[str, InputFile]:
    """Find each of the job's inputs in the store. Raises BadInput where the row or the bytes are gone."""
    found = {}
    for use in job.job_inputs.select_related("artifact"):
        if use.artifact is None:
            raise BadInput(f"The {use.role} of this run, {use.name}, was deleted.")
        try:
            path = store.local(use.artifact.kind, use.sha256)
        except FileNotFoundError as error:
            raise BadInput(f"The bytes of the {use.role} of this run, {use.name}, are not in the store.") from error
        found[use.role] = InputFile(path=str(path), sha256=use.sha256, meta=use.artifact.meta)
    return found
