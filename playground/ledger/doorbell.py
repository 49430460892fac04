"""The doorbell: a Celery message that tells a train worker to look for work.

It may be lost or doubled freely; a worker that hears no bell looks every ten seconds. Whether there is a broker at all
is no matter of whoever submits.
"""

from __future__ import annotations

from functools import cache
from uuid import UUID

from celery import Celery
from django.conf import settings

from playground.ledger.courier import courier
from playground.ledger.poke import client

TASK = "vitrine.ring"
QUEUE = "train"
BUDGET_S = 0.5
EXPIRES_S = 60
"""A bell that nobody heard for a minute is of no use: every worker has looked by itself since."""


@cache
def celery() -> Celery:
    """A Celery app that only sends, with short timeouts; the worker's own is another."""
    app = Celery("vitrine.doorbell", broker=settings.BROKER_URL, set_as_current=False)
    app.conf.update(
        task_ignore_result=True,
        task_publish_retry=False,
        broker_connection_timeout=BUDGET_S,
        broker_transport_options={"socket_timeout": BUDGET_S, "socket_connect_timeout": BUDGET_S, "max_retries": 0},
    )
    return app


def ring(job_id: UUID) -> None:
    """Ring for a job that may be claimed; returns at once and never raises."""
    courier.post(f"ring {job_id}", lambda: _send(job_id))


def _send(job_id: UUID) -> None:
    """Send one message, if there is a Redis at all.

    It is asked first by a plain client, since each connection that kombu tries in vain keeps an epoll descriptor until
    the garbage collector comes by.
    """
    client().ping()
    celery().send_task(TASK, args=[str(job_id)], queue=QUEUE, expires=EXPIRES_S, retry=False)
