"""Slots: each is a thread that takes the next job of the line that has room and carries it to its end, again and again.

A bell says that there may be work; without one a slot looks by itself every second, which costs one small query and
makes the bell a matter of speed only.
"""

import logging
import os
import platform
import threading
from collections.abc import Callable
from importlib.metadata import version

from django.db import close_old_connections, connections

from playground.ledger import process
from playground.ledger.claim import Claim, claim
from workers.devices import Devices
from workers.hold import AWAY
from workers.host import cpu_model
from workers.order import Station
from workers.supervisor import ENGINE, Supervisor

log = logging.getLogger("vitrine.runner")
LOOK = 1.0
"""Seconds between two looks at the line without a bell. It bounds the wait of a job whose backoff has just ended."""

CONSIDERATE = 2.0
"""Seconds until a slot claims again after a defect of ours, so that it does not fill the log."""


class Slot(threading.Thread):
    """One job at a time, wherever there is room for it."""

    def __init__(
        self,
        worker: str,
        number: int,
        devices: Devices,
        bell: threading.Event,
        leaving: threading.Event,
        busy: Callable[[bool], None],
        engine: str = ENGINE,
    ) -> None:
        super().__init__(name=f"slot-{number}", daemon=True)
        self._worker, self._devices, self._bell, self._leaving, self._busy = worker, devices, bell, leaving, busy
        self._engine = engine

    def run(self) -> None:
        """Work until this process leaves."""
        try:
            while not self._leaving.is_set():
                if not self._turn():
                    self._bell.wait(LOOK)
                    self._bell.clear()
        finally:
            connections.close_all()

    def _turn(self) -> bool:
        """Take a job and carry it to its end; False where there is nothing to take now."""
        try:
            found = self._claim()
        except AWAY as error:
            log.warning("The database does not answer (%s).", error)
            close_old_connections()
            return False
        if found is None:
            return False
        taken, station = found
        self._busy(True)
        try:
            Supervisor(taken, station, self._leaving, engine=self._engine).run()
        except Exception:
            # The lease is left to run out, so that a job which brings the supervisor down is counted as lost by it.
            log.exception("Job %s: the supervisor failed.", taken.job.pk)
            close_old_connections()
            self._leaving.wait(CONSIDERATE)
        finally:
            self._busy(False)
            self._devices.release(taken.job.pk)
            self._bell.set()  # there is room, perhaps for more than one
        return True

    def _claim(self) -> tuple[Claim, Station] | None:
        own = process.identity()
        with self._devices.choosing() as choice:
            taken = claim(self._worker, host=platform.node(), pid=os.getpid(), process=own, offer=choice.offer)
            if taken is None or choice.station is None:
                return None
            self._devices.hold(taken.job.pk, choice.station)
            return taken, choice.station


def environment() -> dict[str, str]:
    """What the numbers of a run depend on besides its device and threads."""
    return {
        "cpu": cpu_model(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "torch": version("torch"),
        "transformers": version("transformers"),
    }
