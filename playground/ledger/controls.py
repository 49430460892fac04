"""What an owner may do to a job: stop, pause, resume, and remove it once it has ended.

A job that nobody runs changes at once. An active one only gets a wish (`desired`), which its supervisor learns in the
reply to its next append; should the supervisor be gone, the reaper grants the wish.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from playground.domain.errors import Conflict, NotFound
from playground.domain.job import TERMINAL, Desired, Status
from playground.domain.machine import Request
from playground.ledger.models import Job
from playground.ledger.rows import enter, hold

WISHES: dict[Request, Desired] = {"stop": Desired.STOP, "pause": Desired.PAUSE, "resume": Desired.RUN}


def request(job: Job, wish: Request) -> Job:
    """Ask for a stop, a pause or a resumption; return the job as it is then.

    Asking for what is already so changes nothing. Raises Conflict for a job that has ended otherwise or is being
    stopped, NotFound for one that was removed.
    """
    with transaction.atomic():
        open_to_wishes = ~Q(status__in=TERMINAL) & ~Q(desired=Desired.STOP)
        held = hold(job.pk, open_to_wishes, desired=WISHES[wish])
        if held is not None:
            _at_once(held, wish)
    now = Job.objects.filter(pk=job.pk).first()
    if now is None:
        raise NotFound(_("There is no such run."))
    if held is None and not (wish == "stop" and now.desired == Desired.STOP):
        raise Conflict(_refusal(now))
    return now


def _at_once(job: Job, wish: Request) -> None:
    """Make the transition that needs no worker."""
    resting = not job.is_active
    if wish == "stop" and resting:
        enter(job, Status.STOPPED, "stop")
    elif wish == "pause" and job.status == Status.QUEUED:
        enter(job, Status.PAUSED, "pause")
    elif wish == "resume" and job.status == Status.PAUSED:
        enter(job, Status.QUEUED, "resume", not_before=Now())


def _refusal(job: Job) -> str:
    if job.is_terminal:
        return _("The run has already ended.")
    return _("The run is being stopped.")


def remove(job: Job) -> None:
    """Delete a job that has ended, with its events; raises Conflict for any other."""
    deleted, _rows = Job.objects.filter(pk=job.pk, status__in=TERMINAL).delete()
    if not deleted:
        raise Conflict(_("Only a run that has ended can be removed; stop it first."))
