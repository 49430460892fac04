"""Queries from asynchronous code, on a few threads of their own.

Django's thread-sensitive bridge would run the queries of all websockets one after the other on one thread.
Here each runs on a small pool and closes its connection afterwards, so that none goes stale between.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connections

T = TypeVar("T")
THREADS = 4
"""Queries at a time: more would only wait for the two cores and the one writer of SQLite."""

_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="vitrine-db")


async def query(function: Callable[..., T], *arguments: object) -> T:
    """Run `function(*arguments)`, which may use the ORM, and await its result."""
    return await asyncio.get_running_loop().run_in_executor(_pool, _closing, function, arguments)


def _closing(function: Callable[..., T], arguments: tuple[object, ...]) -> T:
    try:
        return function(*arguments)
    finally:
        connections.close_all()
