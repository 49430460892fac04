"""Pages of events that are bounded in length, not only in number, since an event may be a megabyte."""

from uuid import UUID

from django.db.models import TextField
from django.db.models.functions import Cast, Length

from playground.domain.messages import Event
from playground.ledger import models
from playground.ledger.timeline import events_after


def bounded(job: UUID, after: int, limit: int, characters: int) -> tuple[list[Event], bool]:
    """Up to `limit` events after number `after`, of about so many characters in all, but one where there is one.

    Also tells whether the page is full, so that there may be more.
    """
    following = models.Event.objects.filter(job=job, seq__gt=after).order_by("seq")
    sizes = following.annotate(size=Length(Cast("data", TextField()))).values_list("size", flat=True)[:limit]
    count = total = 0
    cut = False
    for size in sizes:
        total += size
        cut = count > 0 and total > characters
        if cut:
            break
        count += 1
    return (events_after(job, after, count)[0] if count else []), cut or count == limit
