"""The steward: a thread that keeps the house in order beside the slots.

It takes back the jobs of lost workers, at once where the lost worker was on this machine, announces this worker every
few seconds, and clears away what runs have left on the disk.
"""

import logging
import os
import platform
import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import close_old_connections, connections

from playground.ledger import presence, process
from playground.ledger.reap import reap, reap_orphans
from workers.hold import AWAY
from workers.host import memory_available
from workers.housekeeping import sweep
from workers.order import jobs_folder

log = logging.getLogger("vitrine.steward")
REAP = 2.0
"""Seconds between two looks for lost jobs: together with the lease, how long a lost machine stays unnoticed."""

ANNOUNCE = 5.0
"""Seconds between two announcements; three missed ones make a worker count as gone."""


SWEEP = 600.0
"""Seconds between two looks for folders that nobody needs any more."""


class Steward(threading.Thread):
    """Reaps and announces until this process leaves; then says farewell."""

    def __init__(
        self,
        name: str,
        queue: str,
        facts: Callable[[], dict[str, Any]],
        leaving: threading.Event,
        bell: threading.Event,
    ) -> None:
        super().__init__(name="steward", daemon=True)
        self._worker, self._queue, self._facts, self._leaving, self._bell = name, queue, facts, leaving, bell

    def run(self) -> None:
        """Go the rounds. A database that is away is waited for."""
        announced, swept = -ANNOUNCE, time.monotonic() - SWEEP
        while not self._leaving.is_set():
            now = time.monotonic()
            try:
                if now - announced >= ANNOUNCE:
                    self._announce()
                    announced = now
                if self._queue == "train":
                    self._reap()
                    if now - swept >= SWEEP:
                        sweep(jobs_folder())
                        swept = now
            except AWAY as error:
                log.warning("The database does not answer (%s).", error)
                close_old_connections()
            except Exception:
                log.exception("The steward failed; it goes on.")
            self._leaving.wait(REAP)
        self._farewell()

    def _announce(self) -> None:
        facts = self._facts()
        usual = {"memory": memory_available()}
        presence.announce(self._worker, self._queue, host=platform.node(), pid=os.getpid(), **usual | facts)

    def _reap(self) -> None:
        taken = reap_orphans(platform.node(), process.is_alive) + reap()
        if taken:
            log.warning("Took back jobs of lost workers: %s", ", ".join(str(job) for job in taken))
            self._bell.set()

    def _farewell(self) -> None:
        try:
            presence.farewell(self._worker)
        except AWAY as error:
            log.warning("Left without a farewell (%s).", error)
        finally:
            connections.close_all()
