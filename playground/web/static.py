"""Static files from the process itself, through WhiteNoise, without a thread hop for every other request.

WhiteNoise's own middleware is synchronous: in front of asynchronous views it would hold one thread for
every open request, a long poll included. This one answers a static path itself and passes all others on.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, BinaryIO, cast

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from django.utils.module_loading import import_string

CHUNK = 1 << 18
"""Bytes read from a file at a time: large enough that a bundle takes few thread hops."""

Handler = Callable[[HttpRequest], HttpResponseBase]
AsyncHandler = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


@sync_and_async_middleware
def static_files(get_response: Handler | AsyncHandler) -> Handler | AsyncHandler:
    """Serve /static/ with caching headers, ranges and conditional requests; pass everything else on."""
    # Called with a handler that finds nothing, WhiteNoise answers its own files and None otherwise.
    find: Callable[[HttpRequest], FileResponse | None] = import_string("whitenoise.middleware.WhiteNoiseMiddleware")(
        lambda request: None
    )
    if not iscoroutinefunction(get_response):
        return lambda request: find(request) or cast(Handler, get_response)(request)

    async def answer(request: HttpRequest) -> HttpResponseBase:
        found = find(request)
        if found is None:
            return await cast(AsyncHandler, get_response)(request)
        return _streamed(found)

    return answer


def _streamed(found: FileResponse) -> HttpResponseBase:
    """The same response, read without blocking the event loop."""
    source: Any = getattr(found, "file_to_stream", None)
    if source is None:
        return found
    response = StreamingHttpResponse(_chunks(cast(BinaryIO, source)), status=found.status_code)
    del response["content-type"]
    for name, value in found.items():
        response[name] = value
    return response


async def _chunks(source: BinaryIO) -> AsyncIterator[bytes]:
    read = sync_to_async(source.read, thread_sensitive=False)
    try:
        while chunk := await read(CHUNK):
            yield chunk
    finally:
        source.close()
