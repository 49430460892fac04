"""How fast this machine trains, measured once by the engine and kept in a file; the forms' time estimates rest on it.

A measurement runs only while nothing else does. A job that comes in ends it at once; it is tried again later.
"""

import json
import logging
import os
import queue
import threading
import time
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from playground.domain.kind import SpeedPoint
from workers.launch import Limits
from workers.nursery import Child

log = logging.getLogger("vitrine.speed")
ENGINE = "workers.engine.inspect"
LONGEST = 120.0
"""Seconds that a measurement may take."""

QUIET = 3.0
"""Seconds without a job before a measurement begins, so that it is not in the way of the first one."""

_points: TypeAdapter[list[SpeedPoint]] = TypeAdapter(list[SpeedPoint])


class Speed(threading.Thread):
    """Measures once, between jobs, unless the file knows the answer."""

    def __init__(self, file: Path, key: str, device: str, threads: int, leaving: threading.Event) -> None:
        super().__init__(name="speed", daemon=True)
        self._file, self._key, self._device, self._threads, self._leaving = file, key, device, threads, leaving
        self._busy = 0
        self._changed = threading.Condition()
        self._child: Child | None = None
        self.points = self._remembered()

    def busy(self, on: bool) -> None:
        """A slot takes up a job or is done with one."""
        with self._changed:
            self._busy += 1 if on else -1
            self._changed.notify_all()

    def run(self) -> None:
        """Wait for quiet and measure, until it has worked once or the process leaves."""
        tries = 3
        while not self.points and tries and not self._leaving.is_set():
            if not self._quiet():
                continue
            measured = self._measure()
            if measured:
                self.points = measured
                self._remember()
            elif not self._busy:
                tries -= 1

    def _quiet(self) -> bool:
        """Wait a while; tell whether there was no job in all that time."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._busy == 0, QUIET):
                return False
            return not self._changed.wait_for(lambda: self._busy > 0, QUIET) and not self._leaving.is_set()

    def _measure(self) -> list[dict[str, Any]]:
        """Have a child measure; an empty list where it was interrupted or failed."""
        child = Child(ENGINE, Limits(), name="measure")
        order = {"id": "speed", "verb": "measure", "model": None, "params": self._params()}
        child.send_raw(json.dumps(order).encode())
        deadline = time.monotonic() + LONGEST
        try:
            while not self._busy and not self._leaving.is_set() and time.monotonic() < deadline:
                try:
                    raw = child.receive(0.1)
                except queue.Empty:
                    continue
                if raw is None:
                    break
                frame = json.loads(raw)
                if frame["type"] == "data":
                    return [point.model_dump() for point in _points.validate_python(frame["data"]["speed"])]
                log.warning("The speed of this machine could not be measured: %s", frame.get("message"))
                break
        except (ValueError, KeyError, ValidationError):
            log.exception("The speed of this machine could not be measured.")
        finally:
            child.end()
            child.close()
        return []

    def _params(self) -> dict[str, Any]:
        return {"device": self._device, "threads": self._threads}

    def _remembered(self) -> list[dict[str, Any]]:
        try:
            kept = json.loads(self._file.read_text())[self._key]
            return [point.model_dump() for point in _points.validate_python(kept)]
        except (OSError, ValueError, KeyError, TypeError):
            return []

    def _remember(self) -> None:
        try:
            known = json.loads(self._file.read_text())
        except (OSError, ValueError):
            known = {}
        draft = self._file.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(known | {self._key: self.points}, indent=1))
        draft.replace(self._file)
