"""`WS /ws/jobs/{id}?after=N`: the events of a job from N + 1 on, without a gap, for as long as one looks.

What is stored comes first, page by page, then what is new. A connection holds one number and no queue:
a browser that stops reading stops its own connection and nothing else. It is a plain ASGI application
under Channels' router rather than a Channels consumer, since a consumer handles one message after the
other and could not watch for a reader that hangs.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from playground.ledger.models import Job
from playground.people.models import User
from playground.web.access import SIGNED_IN
from playground.web.database import query
from playground.web.feed import feed
from playground.web.identity import user_of
from playground.web.origins import allowed

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

BAD_AFTER, NOT_SIGNED_IN, NOT_FOUND, TOO_SLOW, TOO_MANY = 4400, 4401, 4404, 4408, 4429
POLICY_VIOLATION = 1008
SEND_WITHIN = 10.0
"""Seconds that a browser may take to make room for a frame; then it is cut off and may come back."""
HEARTBEAT = 20.0
"""Seconds of silence after which an empty frame says that the line is alive."""
ADMIT_AGAIN = 30.0
"""Seconds between two looks whether the person may still see the job."""
SOCKETS_PER_USER = 100
"""Connections of one person to one process: many tabs, and a classroom that shares an account."""
MESSAGES_PER_SECOND = 20
"""A browser has nothing to say here; whoever says more than this is up to something."""
EMPTY = '{"events":[]}'

_open: Counter[int] = Counter()


class Cut(Exception):
    """The connection is to be closed with a code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class JobSocket:
    """The ASGI application behind the route; `access` is its policy, as on every route."""

    access = SIGNED_IN

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one connection until it or its right to be here ends."""
        await receive()
        if not allowed(scope):
            await send({"type": "websocket.close"})
            return
        await send({"type": "websocket.accept"})
        tasks = {asyncio.ensure_future(self._serve(scope, send)), asyncio.ensure_future(_drain(receive))}
        try:
            done, _rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        error = next((task.exception() for task in done if task.exception()), None)
        if isinstance(error, Cut):
            await _close(send, error.code)
        elif error is not None and not isinstance(error, OSError):
            raise error

    async def _serve(self, scope: Message, send: Send) -> None:
        job: UUID = scope["url_route"]["kwargs"]["id"]
        cursor = _after(scope)
        user = await query(user_of, scope)
        if not self.access.allows(user) or user is None:
            raise Cut(NOT_SIGNED_IN)
        await _admit(user, job)
        if _open[user.pk] >= SOCKETS_PER_USER:
            raise Cut(TOO_MANY)
        _open[user.pk] += 1
        try:
            await _follow(scope, send, job, cursor)
        finally:
            _open[user.pk] -= 1
            if _open[user.pk] == 0:
                del _open[user.pk]


async def _follow(scope: Message, send: Send, job: UUID, cursor: int) -> None:
    """Send frames for ever; the cursor is all that is remembered."""
    admitted = spoke = time.monotonic()
    async with feed().watching(job) as watch:
        while True:
            for frame in await watch.after(cursor):
                await _send(send, frame.text)
                cursor, spoke = frame.last, time.monotonic()
            now = time.monotonic()
            if now - admitted > ADMIT_AGAIN:
                user = await query(user_of, scope)
                if user is None:
                    raise Cut(NOT_SIGNED_IN)
                await _admit(user, job)
                admitted = now
            if now - spoke >= HEARTBEAT:
                await _send(send, EMPTY)
                spoke = now
            await watch.wait(cursor, min(spoke + HEARTBEAT, admitted + ADMIT_AGAIN) - now + 0.01)


async def _send(send: Send, text: str) -> None:
    """Send one frame. The server holds it back while the browser does not read: too long, and it is cut off."""
    try:
        await asyncio.wait_for(send({"type": "websocket.send", "text": text}), SEND_WITHIN)
    except TimeoutError:
        raise Cut(TOO_SLOW) from None


async def _drain(receive: Receive) -> None:
    """Take what the browser says, to hear that it leaves; raises Cut for a flood."""
    allowance, then = float(MESSAGES_PER_SECOND), time.monotonic()
    while (await receive())["type"] != "websocket.disconnect":
        now = time.monotonic()
        allowance = min(MESSAGES_PER_SECOND, allowance + (now - then) * MESSAGES_PER_SECOND) - 1
        then = now
        if allowance < 0:
            raise Cut(POLICY_VIOLATION)


async def _close(send: Send, code: int) -> None:
    """Say why, to whoever still reads."""
    with suppress(TimeoutError, OSError):
        await asyncio.wait_for(send({"type": "websocket.close", "code": code}), 1.0)


async def _admit(user: User, job: UUID) -> None:
    """Raise Cut unless the job is the user's."""
    if not await query(lambda: Job.objects.filter(owner=user, pk=job).exists()):
        raise Cut(NOT_FOUND)


def _after(scope: Message) -> int:
    """The number to go on after; raises Cut for anything but a natural number."""
    given = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True).get("after", ["0"])
    text = given[-1]
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Cut(BAD_AFTER)
    return int(text)
