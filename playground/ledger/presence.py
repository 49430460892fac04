"""Which workers there are: each says what it is every few seconds, and counts as alive for a short while after."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Now

from playground.ledger.models import Worker

PRESENCE = timedelta(seconds=15)
"""A worker that was not seen for so long counts as gone; it announces itself about every five seconds."""

FORGET = timedelta(days=1)
"""Rows of workers that never came back are dropped after this."""


def announce(name: str, queue: str, **facts: Any) -> None:
    """Say that the worker `name` serves `queue` and is alive; `facts` are further columns of Worker."""
    Worker.objects.update_or_create(name=name, defaults={"queue": queue, "seen_at": Now(), **facts})
    Worker.objects.filter(seen_at__lt=Now() - FORGET).delete()


def farewell(name: str) -> None:
    """Say that the worker is leaving, so that nobody counts on it."""
    Worker.objects.filter(name=name).delete()


def alive(queue: str | None = None) -> QuerySet[Worker]:
    """Return the workers seen lately, of one queue or of all."""
    seen = Worker.objects.filter(seen_at__gte=Now() - PRESENCE).order_by("name")
    return seen.filter(queue=queue) if queue else seen


def is_alive(queue: str) -> bool:
    """Tell whether anybody serves the queue."""
    return alive(queue).exists()
