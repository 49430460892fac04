"""Appending: the only way in which a running job changes. The attempt number is the fence.

One transaction checks that the attempt still holds the job, renews its lease, gives its events the next numbers, and
perhaps enters another state. The reply carries what the owner wants, which is how a stop reaches the worker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from playground.domain.errors import Conflict, Fenced
from playground.domain.job import ACTIVE, LEASE, Desired, Failure, Status
from playground.domain.machine import landing
from playground.domain.messages import Ask, NewEvent
from playground.ledger.asks import heard
from playground.ledger.models import Job
from playground.ledger.probes import keep
from playground.ledger.progress import fresh, last_step
from playground.ledger.rows import Row, entering, hold, status_row, write
from playground.library.models import Artifact

MAX_ERROR_CHARACTERS = 4000
"""A traceback's worth; more belongs into a log event."""


class Reply(NamedTuple):
    """What the owner wants now, the number of the newest event, and the state that the job is in after the append.

    `asks` are the latest things that the attempt was asked to do, those it has heard of before included.
    """

    desired: Desired
    last_seq: int
    status: Status
    asks: tuple[Ask, ...] = ()


def append(
    job_id: UUID,
    attempt: int,
    events: Sequence[NewEvent],
    *,
    to: Status | None = None,
    step: int | None = None,
    steps: int | None = None,
    recorded: Mapping[str, Any] | None = None,
    failure: Failure | None = None,
    error: str | None = None,
    model: Artifact | None = None,
    tokenizer: Artifact | None = None,
    lease: timedelta = LEASE,
) -> Reply:
    """Store events, renew the lease and, with `to`, enter a state; with no events it is a heartbeat.

    Events that are stored already are dropped (see `progress`); `recorded` overrides entries of that mark. Entering the
    state that the job is in changes nothing. A paused job that was resumed meanwhile becomes queued, one that was
    stopped becomes stopped. Raises Fenced where the attempt no longer holds the job: the caller must exit. Raises
    Conflict for a transition that it may not make. In both cases nothing is stored.
    """
    with transaction.atomic():
        job = hold(job_id, Q(attempt=attempt, status__in=ACTIVE), lease_until=Now() + lease)
        if job is None:
            raise Fenced(f"Attempt {attempt} no longer holds job {job_id}.")
        new, mark = fresh(job.progress_mark().model_copy(update=dict(recorded or {})), events)
        rows: list[Row] = [(event.type, event.data) for event in new]
        text = error[:MAX_ERROR_CHARACTERS] if error else None
        given = {"steps": steps, "model": model, "tokenizer": tokenizer, "failure": failure, "error": text}
        changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        if new or recorded:
            changes["recorded"] = mark.model_dump(mode="json")
        reached = max(step or 0, last_step(new))
        if reached > job.step:
            changes |= {"step": reached, "step_at": Now()}
        status = Status(job.status)
        if to is not None and to is not status:
            status, changes, rows = _transition(job, to, failure, changes, rows)
        keep(job, new)
        return Reply(Desired(job.desired), write(job, rows, **changes), status, heard(job.asks))


def _transition(
    job: Job, to: Status, failure: Failure | None, changes: dict[str, Any], rows: list[Row]
) -> tuple[Status, dict[str, Any], list[Row]]:
    """Add a transition: its event stands before what happens in an active state, and after all else."""
    allowed = landing(Status(job.status), to, Desired(job.desired), failure)
    if allowed is None:
        raise Conflict(f"A {job.status} job cannot become {to}.")
    landed, reason = allowed
    told = status_row(landed, job.attempt, reason, failure=failure, message=changes.get("error"))
    changes = changes | entering(job, landed, reason)
    if landed is Status.QUEUED:
        changes["not_before"] = Now()
    return landed, changes, [told, *rows] if landed in ACTIVE else [*rows, told]
