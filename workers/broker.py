"""Listening to Redis: a Celery worker in the main thread, started again whenever it gives up.

Celery reconnects by itself most of the time and now and then ends instead. Neither may touch the jobs that run in
this process's other threads, so the end of the listener is only a reason to start it again.
"""

import contextlib
import logging
import random
import signal
import threading
import time
from types import FrameType

from celery import Celery
from celery.exceptions import WorkerShutdown
from celery.worker import state

log = logging.getLogger("vitrine.broker")
LONGEST_WAIT = 5.0
"""Seconds between two starts of the listener at most: how long inspect requests may go unheard after Redis is back."""

STEADY = 30.0
"""A listener that lasted so many seconds had no trouble starting; the next start does not wait long."""


def listen(app: Celery, queue: str, name: str, leaving: threading.Event) -> None:
    """Consume `queue` until `leaving` is set or the process is asked to end."""
    wait = 0.2
    with contextlib.suppress(WorkerShutdown):
        while not leaving.is_set():
            started = time.monotonic()
            try:
                serve(app, queue, name)
                if not leaving.is_set():
                    log.warning("The listener on queue %s ended; starting it again.", queue)
            except Exception:
                log.exception("The listener on queue %s failed; starting it again.", queue)
            # What Celery keeps of the worker that ended would end the next one, too.
            state.should_stop = state.should_terminate = None
            app.close()
            wait = min(LONGEST_WAIT, wait * 2) if time.monotonic() - started < STEADY else 0.2
            leaving.wait(wait * random.uniform(0.8, 1.2))


def serve(app: Celery, queue: str, nodename: str) -> None:
    """Run one Celery worker until it ends; the pool `solo` runs tasks in this thread."""
    # Two lines for each bell would bury the log of the runs.
    for name in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(name).setLevel(logging.WARNING)
    worker = app.WorkController(
        hostname=nodename,
        queues=[queue],
        pool_cls="solo",
        concurrency=1,
        loglevel="WARNING",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()


def leave_on_signals(leaving: threading.Event) -> None:
    """Let SIGTERM and SIGINT set `leaving` and end `listen`, wherever the main thread is at that moment."""

    def handle(number: int, frame: FrameType | None) -> None:
        if not leaving.is_set():
            leaving.set()
            raise WorkerShutdown(0)

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
