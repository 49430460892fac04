"""The websocket addresses. Each application carries its policy as `access`."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from channels.routing import URLRouter
from django.urls import path, re_path

from playground.web.access import ANYONE
from playground.web.sockets import JobSocket

Message = MutableMapping[str, Any]


class Nowhere:
    """Turns away whoever asks for an address that does not exist."""

    access = ANYONE

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        """Close before accepting, which the server answers with 403."""
        await receive()
        await send({"type": "websocket.close"})


# Django's types know views only; Channels calls what stands here as an ASGI application.
job_socket: Any = JobSocket()
nowhere: Any = Nowhere()
patterns = [path("ws/jobs/<uuid:id>", job_socket), re_path("", nowhere)]
websockets = URLRouter(patterns)
