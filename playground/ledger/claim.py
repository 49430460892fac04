"""Claiming: one worker gets a job, by compare-and-swap on its attempt number, which thereby goes up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Coalesce, Now

from playground.domain.job import LEASE_STARTING, Desired, Status
from playground.ledger import queue
from playground.ledger.models import Attempt, Job
from playground.ledger.queue import Waiting
from playground.ledger.rows import hold, status_row, write


class Claim(NamedTuple):
    """A job that is ours while we keep its lease, and the fencing token of every write to it."""

    job: Job
    attempt: int


class Place(NamedTuple):
    """Where a run would be computed, and what is known of its environment there."""

    device: str
    environment: Mapping[str, Any]


Offer = Callable[[Waiting], Place | None]
"""A place for a waiting job; None where it has to wait longer."""


class Claimant(NamedTuple):
    """Who claims. `process` identifies the supervising process (see `process.identity`)."""

    worker: str
    host: str = ""
    pid: int = 0
    process: str = ""
    device: str = ""


def claim(
    worker: str,
    *,
    host: str = "",
    pid: int = 0,
    process: str = "",
    device: str = "",
    environment: Mapping[str, Any] | None = None,
    offer: Offer | None = None,
    lease: timedelta = LEASE_STARTING,
) -> Claim | None:
    """Take the next job of the line, or return None where none may be claimed. The lease runs from now.

    With `offer`, the next one that it has a place for; it then says the device and the environment.
    """
    for waiting in queue.line():
        place = Place(device, environment or {}) if offer is None else offer(waiting)
        if place is None:
            continue
        claimant = Claimant(worker, host, pid, process, place.device)
        job = take(waiting.job, waiting.attempt, claimant, place.environment, lease)
        if job is not None:
            return Claim(job, job.attempt)
    return None


@transaction.atomic
def take(
    job_id: UUID, seen: int, claimant: Claimant, environment: Mapping[str, Any], lease: timedelta = LEASE_STARTING
) -> Job | None:
    """Take one job if it is still as it was seen, with attempt number `seen`; None where somebody else was faster."""
    wanted = Q(attempt=seen, status=Status.QUEUED, desired=Desired.RUN, not_before__lte=Now())
    job = hold(
        job_id,
        wanted,
        status=Status.STARTING,
        reason="claim",
        attempt=seen + 1,
        worker=claimant.worker,
        lease_until=Now() + lease,
        started_at=Coalesce("started_at", Now()),
        asks=[],
    )
    if job is None:
        return None
    checkpoint = job.progress_mark().checkpoint
    Attempt.objects.create(
        job=job,
        number=job.attempt,
        **claimant._asdict(),
        resume_step=checkpoint.step if checkpoint else job.parent_step or 0,
        environment={**environment, **_own(job)},
    )
    job.next_seq = 1 + write(job, [status_row(Status.STARTING, job.attempt, "claim", worker=claimant.worker)])
    return job


def _own(job: Job) -> dict[str, Any]:
    """What the job's parameters decide about its environment, in place of the worker."""
    threads = job.params.get("threads")
    return {} if threads is None else {"threads": threads}
