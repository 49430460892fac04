"""Asking the inspect worker to open a model, and reading its answer frame by frame.

A request is a Celery message, its answer a Redis list that lives for two minutes. Whoever stops reading
leaves a note by which the worker stops working.
"""

import asyncio
import json
import logging
import time
import uuid
from collections.abc import AsyncGenerator
from functools import cache
from typing import Any

import redis.asyncio as redis
from asgiref.sync import async_to_sync
from celery import Celery
from django.conf import settings
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from playground.domain.errors import BadInput, Unavailable, VitrineError
from playground.ledger.presence import is_alive
from playground.web.catalogue import sentence
from playground.web.database import query

logger = logging.getLogger("vitrine.web")
TASK = "vitrine.inspect"
QUEUE = "inspect"
EXPIRES = 60
"""Seconds after which a request that nobody took is of no use."""
LOOK = 2.0
"""Seconds between two looks whether the worker is still there, while no frame comes."""
PATIENCE = 150.0
"""Seconds in all without a frame: more than the worker gives any request."""
NOTE_LIVES = 120
BUDGET = 2.0

Frame = dict[str, Any]


@cache
def _celery() -> Celery:
    app = Celery("vitrine.web", broker=settings.BROKER_URL, set_as_current=False)
    app.conf.update(
        task_ignore_result=True,
        task_publish_retry=False,
        broker_connection_timeout=BUDGET,
        broker_transport_options={"socket_timeout": BUDGET, "socket_connect_timeout": BUDGET},
    )
    return app


async def stream(
    verb: str, params: Frame, model: str | None = None, inputs: Frame | None = None
) -> AsyncGenerator[Frame]:
    """The data frames of one request, in order.

    `model` is the content hash of a library model; `inputs` are the artifacts that a run would read, by their roles.

    Raises Unavailable where no worker answers, and the worker's own refusal as the error it names. Closing
    the iterator, as the end of the connection does, cancels the work.
    """
    if not await query(is_alive, QUEUE):
        raise Unavailable(_("No inspect worker is alive, so nothing can look into a model now."), code="no_worker")
    request = uuid.uuid4().hex
    client = redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=BUDGET, decode_responses=True)
    finished = False
    try:
        body = {"verb": verb, "model": {"sha256": model} if model else None, "params": params}
        if inputs:
            body["inputs"] = inputs
        await asyncio.to_thread(hand_over, request, body)
        async for frame in _frames(client, request):
            if frame["type"] == "end":
                finished = True
                return
            if frame["type"] == "error":
                finished = True
                raise _error(frame)
            yield frame["data"]
    except (RedisError, OperationalError, OSError) as error:
        logger.warning("an inspect request failed: %s", error)
        raise Unavailable(_("The inspect worker cannot be reached now. Try again in a moment.")) from None
    finally:
        await asyncio.shield(_leave(client, request, note=not finished))


async def ask(verb: str, params: Frame, model: str | None = None) -> Frame:
    """The one data frame of a request that has one; empty where it has none."""
    found: Frame = {}
    async for frame in stream(verb, params, model):
        found = frame
    return found


def ask_now(verb: str, params: Frame) -> Frame:
    """`ask` for synchronous code."""
    return async_to_sync(ask)(verb, params)


def hand_over(request: str, body: Frame) -> None:
    """Send a request to the worker. Raises OperationalError where the broker cannot be reached."""
    _celery().send_task(TASK, args=[request, body], queue=QUEUE, expires=EXPIRES, retry=False)


async def _frames(client: "redis.Redis", request: str) -> AsyncGenerator[Frame]:
    """Each frame as it comes. Raises Unavailable where none comes any more."""
    name, heard = f"vitrine:reply:{request}", time.monotonic()
    while True:
        item = await client.blpop([name], timeout=LOOK)
        if item is not None:
            heard = time.monotonic()
            yield json.loads(item[1])
        elif time.monotonic() - heard > PATIENCE or not await query(is_alive, QUEUE):
            raise Unavailable(_("The inspect worker has gone away. Try again in a moment."), code="no_worker")


async def _leave(client: "redis.Redis", request: str, *, note: bool) -> None:
    try:
        if note:
            await client.set(f"vitrine:cancel:{request}", "1", ex=NOTE_LIVES)
        await client.delete(f"vitrine:reply:{request}")
    except (RedisError, OSError) as error:
        logger.debug("a request was left without a note: %s", error)
    finally:
        await client.aclose()


def _error(frame: Frame) -> VitrineError:
    message = sentence(str(frame.get("message", "")))
    code, status = str(frame.get("code", "error")), int(frame.get("status", 500))
    error = Unavailable(message, code=code) if status == Unavailable.status else VitrineError(message, code=code)
    if status == BadInput.status:
        fields = frame.get("fields") or ({"file": [message]} if code == "bad_file" else None)
        error = BadInput(message, fields, code=code)
    error.status = status
    return error
