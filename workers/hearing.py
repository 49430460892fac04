"""Is the listener deaf? Messages that lie in the queue while it should be listening say so.

A consumer can come out of a reconnection alive and deaf. Tasks here return at once, so a message that nobody takes
for a quarter of a minute is sign enough: the listener is started again, and where that does not help, the process.
"""

import logging
import os
import threading
from collections.abc import Callable

import redis
from celery.worker import state

log = logging.getLogger("vitrine.hearing")
LOOK = 5.0
"""Seconds between two looks into the queue."""

DEAF = 3
"""So many looks in a row at a queue that waits, with nothing heard between them, mean that the listener is deaf."""


def restart_listener() -> None:
    """Have Celery's worker end at its next turn; `broker.listen` starts it again."""
    state.should_stop = os.EX_OK


def leave_at_once() -> None:
    """End the process; whoever started it starts it again."""
    os._exit(os.EX_UNAVAILABLE)


class Hearing(threading.Thread):
    """Looks into one queue until this process leaves; `heard` counts the messages that were taken from it."""

    def __init__(
        self,
        queue: str,
        client: "redis.Redis",
        heard: Callable[[], int],
        leaving: threading.Event,
        remedies: tuple[Callable[[], None], ...],
        look: float = LOOK,
    ) -> None:
        super().__init__(name="hearing", daemon=True)
        self._queue, self._client, self._heard, self._leaving = queue, client, heard, leaving
        self._remedies, self._look = remedies, look

    def run(self) -> None:
        """Count the looks at which a message waited and none had been heard; apply one remedy after the other."""
        last, looks, tried = self._heard(), 0, 0
        while not self._leaving.wait(self._look):
            now = self._heard()
            if now != last or not self._waiting():
                last, looks, tried = now, 0, 0
                continue
            looks += 1
            if looks % DEAF == 0 and tried < len(self._remedies):
                log.warning("Messages wait in the queue %s and nobody hears them.", self._queue)
                self._remedies[tried]()
                tried += 1

    def _waiting(self) -> bool:
        try:
            return bool(self._client.llen(self._queue))
        except redis.RedisError:
            return False
