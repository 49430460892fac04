"""Reading events: pages in the order of their numbers, as everybody outside sees them."""

from __future__ import annotations

from uuid import UUID

from playground.domain.messages import Event
from playground.ledger import models

PAGE = 500
"""The most events of one page."""


def events_after(job_id: UUID, after: int = 0, limit: int = PAGE) -> tuple[list[Event], int]:
    """Return up to `limit` events that follow number `after`, and the number to go on from.

    That number is the last one on the page, or `after` where the page is empty.
    """
    rows = models.Event.objects.filter(job=job_id, seq__gt=after).order_by("seq")
    columns = rows.values_list("seq", "type", "at", "data")[: max(1, min(limit, PAGE))]
    events = [
        Event.model_validate({"seq": seq, "type": kind, "at": at, "data": data}) for seq, kind, at, data in columns
    ]
    return events, events[-1].seq if events else after
