"""How a job's row is changed: held by a conditional UPDATE, read, written together with its events.

The UPDATE in `hold` is the lock. Its row count says who won; from it to the commit no one else changes the row, on
SQLite because the transaction is IMMEDIATE, on PostgreSQL because the row is locked. All functions here need an open
transaction and leave it open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from playground.domain.job import ACTIVE, TERMINAL, Status
from playground.ledger.doorbell import ring
from playground.ledger.models import Attempt, Event, Job
from playground.ledger.poke import poke

Row = tuple[str, dict[str, Any]]
"""The type and the data of an event."""


def hold(job_id: UUID, condition: Q, **changes: Any) -> Job | None:
    """Make `changes` to the job if it meets `condition`, and return it as it then is; None where it does not."""
    changes = changes or {"next_seq": F("next_seq")}
    if Job.objects.filter(condition, pk=job_id).update(**changes) != 1:
        return None
    return Job.objects.get(pk=job_id)


def status_row(status: Status, attempt: int, reason: str = "", **more: Any) -> Row:
    """Build the event of a transition; empty entries are left out."""
    data = {"status": status.value, "attempt": attempt, "reason": str(reason), **more}
    return "status", {key: value for key, value in data.items() if value is not None and value != ""}


def write(job: Job, rows: Sequence[Row], **changes: Any) -> int:
    """Store events of a held job under its next numbers, with `changes` to the job; return the last number."""
    first = job.next_seq
    Event.objects.bulk_create(
        Event(job=job, seq=first + index, attempt=job.attempt, type=type_, data=data)
        for index, (type_, data) in enumerate(rows)
    )
    last = first + len(rows) - 1
    if rows or changes:
        Job.objects.filter(pk=job.pk).update(next_seq=last + 1, **changes)
    if rows:
        transaction.on_commit(partial(poke, job.pk, last), robust=True)
    return last


def entering(job: Job, status: Status, reason: str, outcome: str = "") -> dict[str, Any]:
    """Return the changes that belong to a transition of a held job, and end its attempt where it leaves the worker."""
    changes: dict[str, Any] = {"status": status, "reason": str(reason)}
    if status in ACTIVE:
        return changes
    changes |= {"lease_until": None, "worker": ""}
    if status in TERMINAL:
        changes["finished_at"] = Now()
    if job.is_active:
        current = Attempt.objects.filter(job=job, number=job.attempt)
        current.update(ended_at=Now(), outcome=outcome or status)
    if status is Status.QUEUED:
        transaction.on_commit(partial(ring, job.pk), robust=True)
    return changes


def enter(
    job: Job,
    status: Status,
    reason: str,
    *,
    outcome: str = "",
    note: Mapping[str, Any] | None = None,
    **changes: Any,
) -> int:
    """Make a transition of a held job: its status event, its columns and `changes`; return the event's number."""
    row = status_row(status, job.attempt, reason, **(note or {}))
    return write(job, [row], **entering(job, status, reason, outcome), **changes)
