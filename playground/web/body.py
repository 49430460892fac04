"""How much a request may send, decided before Django writes a byte of it to disk.

Each address has a limit: an upload its own, everything else a megabyte. A declared length above it is
refused at once; a body without one is counted as it comes, and is no upload. Large bodies are taken from
people who are signed in only, and only while the disk has room for them.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils.translation import gettext as _

from playground.library import store
from playground.library.tokenizers import MAX_TOKENIZER_BYTES
from playground.web.database import query
from playground.web.identity import header, user_of
from playground.web.problems import problem

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

logger = logging.getLogger("vitrine.web")
SMALL = 1 << 20
"""Bytes that any address takes: more than any form or JSON of ours."""
TEXTS = "/api/v1/exhibits/tokens/"
MAX_TEXT_BODY = 8 << 20
"""A million characters, the limit of these exhibits, as JSON in which most are written with six letters each."""
MULTIPART = 1 << 16
"""Bytes around the file in a multipart body."""
COPIES = 2
"""A body lies on the disk twice while it is parsed: as received, and as the file found in it."""
LINGER_SECONDS = 5.0
LINGER_BYTES = 64 << 20
"""After a refusal this much is still read and dropped: a browser that is cut off while sending shows no answer."""


class TooMuch(Exception):
    """A body without declared length went over its limit."""


def limit_of(scope: Message) -> int:
    """The most bytes that this request's address takes."""
    if scope["method"] != "POST":
        return SMALL
    if scope["path"].startswith(TEXTS):
        return MAX_TEXT_BODY
    limits = {
        "/api/v1/corpora": settings.MAX_CORPUS_BYTES,
        "/api/v1/tokenizers": MAX_TOKENIZER_BYTES,
        "/api/v1/models": settings.MAX_MODEL_BYTES,
    }
    return limits.get(scope["path"], SMALL - MULTIPART) + MULTIPART


class BodyLimit:
    """ASGI middleware in front of Django."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass the request on, with its body bounded."""
        declared, limit = _length(scope), limit_of(scope)
        refusal = await _refusal(scope, declared, limit)
        if refusal is not None:
            await _answer(refusal, receive, send)
            return
        taken, started = 0, False

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise TooMuch
            return message

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.application(scope, counted, watched)
        except TooMuch:
            if started:
                raise
            await _answer(_too_large(limit), receive, send)


async def _refusal(scope: Message, declared: int | None, limit: int) -> HttpResponse | None:
    """Why the body is not taken at all, or None."""
    if declared is not None and declared > limit:
        return _too_large(limit)
    if limit <= SMALL or (declared is not None and declared <= SMALL):
        return None
    if declared is None:
        if header(scope, b"transfer-encoding") is None:
            return None
        # Django reads no form whose length it is not told; better said than seen as an empty form.
        return problem(411, _("An upload needs a Content-Length; it cannot be sent in chunks."))
    if await query(user_of, scope) is None:
        return problem(401, _("Sign in, or send an API token as “Authorization: Bearer vt_...”."))
    free = await query(store.current().free)
    if free is not None and COPIES * declared > free:
        return problem(507, _("The disk is too full for this file."), code="disk_full")
    return None


def _length(scope: Message) -> int | None:
    text = header(scope, b"content-length")
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


def _too_large(limit: int) -> HttpResponse:
    told = _("The request is larger than this address takes: at most {limit} bytes.").format(limit=limit)
    return problem(413, told, code="too_large")


async def _answer(response: HttpResponse, receive: Receive, send: Send) -> None:
    """Refuse, then drop what is still on its way, for a while."""
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.items()]
    headers += [(b"content-length", str(len(response.content)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    # The body stays open meanwhile: once it is complete the server would close the line.
    await send({"type": "http.response.body", "body": response.content, "more_body": True})
    with suppress(TimeoutError, OSError):
        await asyncio.wait_for(_drop(receive), LINGER_SECONDS)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _drop(receive: Receive) -> None:
    dropped = 0
    while dropped < LINGER_BYTES:
        message = await receive()
        dropped += len(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return
