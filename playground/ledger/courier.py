"""The courier: one background thread that carries hints to Redis, so that no request and no run ever waits for it.

Hints coalesce by key: while Redis is slow, only the newest poke of each job is kept. What cannot be delivered is
dropped, because nothing depends on a hint.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from kombu.exceptions import KombuError, OperationalError
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

CAPACITY = 10_000
"""More jobs than this with an undelivered hint: further hints are dropped, so that memory stays bounded."""

Delivery = Callable[[], object]


class Courier:
    """A bounded, coalescing, best-effort queue with its own daemon thread, started when it is first needed."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._pending: dict[str, Delivery] = {}
        self._busy = False
        self._thread: threading.Thread | None = None
        self._reachable = True

    def post(self, key: str, delivery: Delivery) -> None:
        """Deliver soon, in place of an undelivered hint of the same key; never raises, never waits."""
        with self._changed:
            if key not in self._pending and len(self._pending) >= CAPACITY:
                return
            self._pending[key] = delivery
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="courier", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def drain(self, timeout: float) -> bool:
        """Wait until all that was posted is delivered or dropped, at most `timeout` seconds; tell whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._pending and not self._busy, timeout)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: bool(self._pending))
                delivery = self._pending.pop(next(iter(self._pending)))
                self._busy = True
            self._deliver(delivery)

    def _deliver(self, delivery: Delivery) -> None:
        try:
            delivery()
        except (RedisError, KombuError, OperationalError, OSError) as error:
            if self._reachable:
                logger.warning("Redis does not answer (%s); pages and workers look at the database instead.", error)
            self._reachable = False
        else:
            if not self._reachable:
                logger.info("Redis answers again.")
            self._reachable = True


courier = Courier()
