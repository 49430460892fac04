"""How fast this machine trains and what the engine's libraries take: measured by the engine, kept in a file.

The forms' estimates of time and memory rest on it.

A measurement runs only while nothing else does. A job that comes in ends it at once; it is tried again later. Nobody
knows what other programs the machine runs meanwhile, so it is measured three times, minutes apart, and the median
counts.
"""

import json
import logging
import os
import queue
import statistics
import threading
import time
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from playground.domain.kind import SpeedPoint
from workers.launch import Limits
from workers.nursery import Child

log = logging.getLogger("vitrine.speed")
ENGINE = "workers.engine.inspect"
MANNER = 3
"""Part of the key of what was measured; raised when something else is."""
LONGEST = 120.0
"""Seconds that a measurement may take."""

ROUNDS = 3
"""How often it is measured: one of them may be disturbed."""

LATER = 300.0
"""Seconds without a job before another round begins."""

QUIET = 3.0
"""Seconds without a job before a measurement begins, so that it is not in the way of the first one."""

LOOK = 0.2
"""Seconds between two looks at whether there is a job, or whether the process is leaving."""


class Measured(BaseModel):
    """What an engine has measured: points of speed, once for each round, and bytes that its libraries hold."""

    rounds: list[list[SpeedPoint]] = Field(min_length=1)
    libraries: int = Field(gt=0)

    @property
    def speed(self) -> list[SpeedPoint]:
        """The median of each figure over the rounds; of two, the faster one."""
        found: dict[tuple[str, str, int], list[SpeedPoint]] = {}
        for point in (point for points in self.rounds for point in points):
            found.setdefault((point.work, point.precision, point.parameters), []).append(point)
        return [
            points[0].model_copy(
                update={
                    "flops_per_s": statistics.median_high(point.flops_per_s for point in points),
                    "pass_seconds": statistics.median_low(point.pass_seconds for point in points),
                    "score_seconds": statistics.median_low(point.score_seconds for point in points),
                }
            )
            for points in found.values()
        ]


class Told(BaseModel):
    """What the engine tells, again and again with more: the points so far."""

    speed: list[SpeedPoint]
    libraries: int = Field(gt=0)


class Speed(threading.Thread):
    """Measures between jobs, unless the file knows the answer."""

    def __init__(self, file: Path, key: str, device: str, threads: int, leaving: threading.Event) -> None:
        super().__init__(name="speed", daemon=True)
        self._file, self._key, self._device, self._threads, self._leaving = file, key, device, threads, leaving
        self._busy = 0
        self._lock = threading.Lock()
        self._child: Child | None = None
        self.measured = self._remembered()

    @property
    def points(self) -> list[dict[str, Any]]:
        """The points of speed; none while they have not been measured."""
        return [point.model_dump() for point in self.measured.speed] if self.measured else []

    @property
    def libraries(self) -> int:
        """Bytes that the engine's libraries hold; 0 while that has not been measured."""
        return self.measured.libraries if self.measured else 0

    def busy(self, on: bool) -> None:
        """A slot takes up a job or is done with one."""
        with self._lock:
            self._busy += 1 if on else -1

    def run(self) -> None:
        """Wait for quiet and measure, until it has worked often enough or the process leaves."""
        tries, kept = 3, self.measured
        while (done := len(kept.rounds) if kept else 0) < ROUNDS and tries and not self._leaving.is_set():
            if not self._quiet(LATER if done else QUIET):
                return
            told = self._measure(first=kept is None)
            if told is not None:
                kept = Measured(rounds=[*(kept.rounds if kept else []), told.speed], libraries=told.libraries)
                self.measured = kept
                self._remember(kept)
            elif not self._busy:
                tries -= 1

    def _quiet(self, seconds: float) -> bool:
        """Wait for so long without a job; False where the process leaves before that."""
        since = time.monotonic()
        while time.monotonic() - since < seconds:
            if self._leaving.wait(LOOK):
                return False
            if self._busy:
                since = time.monotonic()
        return True

    def _measure(self, *, first: bool) -> Told | None:
        """Have a child measure; None where it was interrupted or failed. The first is made use of while it goes on."""
        child = Child(ENGINE, Limits(), name="measure")
        order = {"id": "speed", "verb": "measure", "model": None, "params": self._params()}
        child.send_raw(json.dumps(order).encode())
        deadline = time.monotonic() + LONGEST
        told: Told | None = None
        try:
            while not self._busy and not self._leaving.is_set() and time.monotonic() < deadline:
                try:
                    raw = child.receive(0.1)
                except queue.Empty:
                    continue
                if raw is None:
                    break
                frame = json.loads(raw)
                if frame["type"] == "end":
                    return told
                if frame["type"] != "data":
                    log.warning("The speed of this machine could not be measured: %s", frame.get("message"))
                    break
                told = Told.model_validate(frame["data"])
                if first:
                    self.measured = Measured(rounds=[told.speed], libraries=told.libraries)
        except (ValueError, KeyError, ValidationError):
            log.exception("The speed of this machine could not be measured.")
        finally:
            child.end()
            child.close()
        return None

    def _params(self) -> dict[str, Any]:
        return {"device": self._device, "threads": self._threads}

    def _remembered(self) -> Measured | None:
        try:
            return Measured.model_validate(json.loads(self._file.read_text())[self._key])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _remember(self, measured: Measured) -> None:
        try:
            known = json.loads(self._file.read_text())
        except (OSError, ValueError):
            known = {}
        draft = self._file.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(known | {self._key: measured.model_dump()}, indent=1))
        draft.replace(self._file)
