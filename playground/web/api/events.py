"""`jobs/{id}/events`: the log of a run, page by page; with `wait`, as it grows.

The same numbers and the same data as on the websocket, for programs and for where websockets are blocked.
"""

import time
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import P, QueryEx

from playground.ledger.timeline import PAGE
from playground.web.access import SIGNED_IN, user_of
from playground.web.api import schemas
from playground.web.api.objects import job_of
from playground.web.api.routes import Noun
from playground.web.database import query
from playground.web.feed import feed
from playground.web.problems import encode
from playground.web.reading import bounded

router = Noun(tags=["jobs"])
LONGEST_PAGE = 4 << 20
"""Characters of one page: with long events it has fewer of them than `limit`, and at least one."""
LONGEST_WAIT = 30
"""Seconds; below the minute after which proxies give up on an answer."""


@router.get("/{uuid:id}/events", auth=SIGNED_IN, response=schemas.EventPage, operation_id="get_events")
async def events(
    request: HttpRequest,
    id: UUID,
    after: QueryEx[int, P(ge=0, lt=2**60, description="The last event that you have.")] = 0,
    limit: QueryEx[int, P(ge=1, le=PAGE)] = PAGE,
    wait: QueryEx[float, P(ge=0, le=LONGEST_WAIT, description="Seconds to wait for one, where there is none.")] = 0,
) -> HttpResponse:
    """Events from `after` + 1 on, in order and without gaps; none means that there are none yet."""
    await query(lambda: job_of(user_of(request), id))
    found, _more = await query(bounded, id, after, limit, LONGEST_PAGE)
    if not found and wait > 0:
        until = time.monotonic() + wait
        async with feed().watching(id) as watch:
            while not found and (left := until - time.monotonic()) > 0:
                found, _more = await query(bounded, id, after, limit, LONGEST_PAGE)
                if not found:
                    await watch.wait(after, left)
    last = found[-1].seq if found else after
    page = {"events": [event.model_dump(mode="json") for event in found], "last_seq": last}
    return HttpResponse(encode(page), content_type="application/json; charset=utf-8")
