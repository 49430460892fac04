"""Pokes: the hint to web processes that a job has new events. Never the events themselves.

A poke may be lost, late or doubled at no harm: readers also look at the database each second.
"""

from __future__ import annotations

import json
from functools import cache
from uuid import UUID

import redis
from django.conf import settings

from playground.ledger.courier import courier

CHANNEL = "vitrine:pokes"
BUDGET_S = 0.5
"""How long the courier waits for Redis; a longer wait would only delay the next, newer poke."""


@cache
def client() -> redis.Redis:
    """The connection pool of this process."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=BUDGET_S, socket_connect_timeout=BUDGET_S, health_check_interval=10
    )


def poke(job_id: UUID, last_seq: int) -> None:
    """Tell whoever watches the job that events up to `last_seq` are stored; returns at once and never raises."""
    message = json.dumps({"job": str(job_id), "seq": last_seq})
    courier.post(f"poke {job_id}", lambda: client().publish(CHANNEL, message))
