"""A synchronous iterator for an asynchronous response: each piece is made on a thread, none is kept."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator


async def iterate(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    """The same pieces. Closing it early closes the source."""
    source = iter(chunks)
    try:
        while (chunk := await asyncio.to_thread(_next, source)) is not None:
            yield chunk
    finally:
        close = getattr(source, "close", None)
        if close is not None:
            await asyncio.to_thread(close)


def _next(source: Iterator[bytes]) -> bytes | None:
    return next(source, None)
