"""One subscription a process to the pokes of all jobs, which comes back by itself when Redis does.

A poke only says "look now". While Redis is away the watchers' own look each second carries on alone.
"""

import asyncio
import json
import logging
from collections.abc import Callable

import redis.asyncio as redis
from django.conf import settings
from redis.exceptions import RedisError

from playground.ledger.poke import CHANNEL

logger = logging.getLogger("vitrine.web")
SHORTEST_PAUSE = 0.2
LONGEST_PAUSE = 2.0
CONNECT_TIMEOUT = 2.0


async def listen(hear: Callable[[str, int], None]) -> None:
    """Call `hear(job, seq)` for each poke, for ever; ends by being cancelled."""
    pause = SHORTEST_PAUSE
    while True:
        client = redis.Redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=CONNECT_TIMEOUT, health_check_interval=10, decode_responses=True
        )
        try:
            async with client.pubsub(ignore_subscribe_messages=True) as channel:
                await channel.subscribe(CHANNEL)
                async for message in channel.listen():
                    pause = SHORTEST_PAUSE
                    _tell(message.get("data"), hear)
        except (RedisError, OSError) as error:
            logger.debug("no pokes: %s", error)
        finally:
            await client.aclose()
        await asyncio.sleep(pause)
        pause = min(LONGEST_PAUSE, 2 * pause)


def _tell(data: object, hear: Callable[[str, int], None]) -> None:
    try:
        poke = json.loads(str(data))
        hear(str(poke["job"]), int(poke["seq"]))
    except (ValueError, KeyError, TypeError):
        logger.warning("a poke that is none was dropped")
