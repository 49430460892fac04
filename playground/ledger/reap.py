"""Reaping: what becomes of a job whose attempt is over before the job is. Any process may reap at any time."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_noop

from playground.domain.errors import Fenced
from playground.domain.job import ACTIVE, Desired, Failure, Loss, Status
from playground.domain.machine import after_loss
from playground.ledger.models import Attempt, Job
from playground.ledger.rows import enter, hold

POISON = gettext_noop("The worker was lost each time that it ran this job.")


def reap() -> list[UUID]:
    """Take every job back whose lease has run out; return their ids."""
    expired = Q(status__in=ACTIVE, lease_until__lt=Now())
    seen = list(Job.objects.filter(expired).values_list("pk", "attempt"))
    return [pk for pk, attempt in seen if _lose(pk, attempt, Loss.WORKER_LOST, expired)]


def reap_orphans(host: str, is_alive: Callable[[str], bool]) -> list[UUID]:
    """Take the jobs back whose supervising process on this `host` is gone, without waiting for their leases.

    `is_alive` is asked with the `process` that the attempt was claimed with; see `process.is_alive`.
    """
    open_attempts = Attempt.objects.filter(ended_at=None, host=host, job__status__in=ACTIVE).exclude(process="")
    seen = open_attempts.values_list("job_id", "number", "process")
    gone = [(pk, number) for pk, number, process in seen if not is_alive(process)]
    return [pk for pk, number in gone if _lose(pk, number, Loss.WORKER_LOST, Q())]


def release(job_id: UUID, attempt: int, loss: Loss, message: str = "") -> Status:
    """Give a living attempt up: preempted, without disk, or its child crashed. Returns the state the job is in now.

    `message` says what happened, for the log and for the error of a job that is now poison. Raises Fenced where the
    attempt does not hold the job any more.
    """
    if not _lose(job_id, attempt, loss, Q(), message):
        raise Fenced(f"Attempt {attempt} no longer holds job {job_id}.")
    return Status(Job.objects.values_list("status", flat=True).get(pk=job_id))


@transaction.atomic
def _lose(job_id: UUID, attempt: int, loss: Loss, condition: Q, message: str = "") -> bool:
    """End the attempt if it holds the job and meets `condition`; tell whether this call did it."""
    job = hold(job_id, condition & Q(attempt=attempt, status__in=ACTIVE))
    if job is None:
        return False
    verdict = after_loss(Desired(job.desired), job.lost, loss)
    error = f"{POISON} {message}".strip() if verdict.failure is Failure.POISON else ""
    enter(
        job,
        verdict.status,
        verdict.reason,
        outcome=loss,
        note={"loss": loss.value, "failure": verdict.failure, "message": error or message},
        lost=verdict.lost,
        # SQLite writes a sum with more digits than Now(): without a delay, it would not be due within this millisecond.
        not_before=Now() + verdict.delay if verdict.delay else Now(),
        failure=verdict.failure or "",
        error=error,
    )
    return True
