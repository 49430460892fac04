"""Asking a run that goes on to do something now: evaluate, write a sample, look inside.

An ask is no event and no state: it lies in the job's row until its supervisor has heard it in the reply to an append,
and is forgotten with the attempt. What comes of it is a report like any other, stored once.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from playground.domain.errors import Conflict
from playground.domain.job import Desired, Status
from playground.domain.messages import Ask, AskType
from playground.ledger.models import Job
from playground.ledger.rows import hold

KEPT = 20
"""Asks that a row holds at most. A supervisor hears of each within a second, so that none is lost by asking faster."""


def ask(job: Job, what: AskType, prompt: str | None = None) -> Job:
    """Have the running attempt do something after its current step; raises Conflict where the job is not running."""
    running = Q(status__in=(Status.STARTING, Status.RUNNING), desired=Desired.RUN)
    with transaction.atomic():
        held = hold(job.pk, running)
        if held is None:
            raise Conflict(_("The run is not running now."), code="not_running")
        number = held.asks[-1]["number"] + 1 if held.asks else 1
        held.asks = [*held.asks, Ask(number=number, ask=what, prompt=prompt).model_dump()][-KEPT:]
        Job.objects.filter(pk=held.pk).update(asks=held.asks)
    return held


def heard(asks: list[dict[str, object]]) -> tuple[Ask, ...]:
    """The asks of a row, as the supervisor gets them."""
    return tuple(Ask.model_validate(entry) for entry in asks)
