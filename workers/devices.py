"""What runs where on this machine, and whether one more run has room: the book that all slots share.

A device takes a further run while it has a place and memory for it. Each run is promised what it was estimated to need
and something more; the promises of all runs on a device stay within what was free when it was idle, less a reserve. A
device that is idle takes any run: one that is too large for it says so better by itself.

A run that finds no room is passed by those behind it that do, but not for long: once it has waited for `PATIENCE`, all
of them wait with it, and the device empties until it has room.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from playground.ledger.claim import Place
from playground.ledger.queue import Waiting
from workers.order import SHARE, Station

MARGIN = 1.25
"""What a run is promised, in terms of its estimate."""
CONTEXT = 600 << 20
"""Bytes of a GPU that CUDA takes for each process, which no estimate of a run's arrays has."""
CPU = ("cpu",)
PATIENCE = 120.0
"""Seconds for which a run that finds no room is passed by others."""


@dataclass(frozen=True)
class Machine:
    """Its devices, the places on each, and the threads of a run with one device.

    `memory` tells how many bytes a device has free now, None where it cannot.
    """

    devices: tuple[str, ...]
    places: int
    threads: int
    memory: Callable[[str], int | None]


class Devices:
    """The runs of this process by their stations. Any thread may ask."""

    def __init__(self, machine: Machine, environment: dict[str, Any]) -> None:
        self._machine, self._environment = machine, environment
        self._held: dict[UUID, Station] = {}
        self._idle: dict[str, int | None] = {}
        self._since: dict[UUID, float] = {}
        self._claiming, self._lock = threading.Lock(), threading.Lock()

    @contextmanager
    def choosing(self) -> Iterator["Choice"]:
        """A walk along the line, from its head; one at a time, or two would take the same room."""
        with self._claiming:
            choice = Choice(self)
            yield choice
            if choice.whole:  # who was not met in the whole line waits no more
                self._since = {job: since for job, since in self._since.items() if job in choice.passed}

    def hold(self, job: UUID, station: Station) -> None:
        """A run has a station from now on."""
        with self._lock:
            self._held[job] = station
            self._since.pop(job, None)

    def release(self, job: UUID) -> None:
        """A run needs its station no more."""
        with self._lock:
            self._held.pop(job, None)

    def find(self, waiting: Waiting) -> Station | None:
        """A station with room for a run, where the fewest others are; None where there is none now."""
        machine = self._machine
        with self._lock:
            rooms = {device: self._room(device, waiting.memory) for device in machine.devices}
            free = [device for device in machine.devices if rooms[device] is not None]
            free.sort(key=lambda device: len(self._on(device)))
            if machine.devices == CPU:
                chosen = free * waiting.devices  # processes that share it
                threads = machine.threads
            else:
                # Devices of one run wait for each other at every step: none of them is shared.
                usable = free if waiting.devices == 1 else [device for device in free if not self._on(device)]
                chosen = usable[: waiting.devices]
                threads = machine.threads * waiting.devices
            if len(chosen) < waiting.devices:
                return None
            return Station(tuple(chosen), threads, rooms[chosen[0]] or 0)

    def overdue(self, waiting: Waiting) -> bool:
        """Note that a run found no room; tells whether it has been passed for long enough."""
        machine = self._machine
        if machine.devices != CPU and len(machine.devices) < waiting.devices:
            return False  # it waits for another machine
        now = time.monotonic()
        with self._lock:
            return now - self._since.setdefault(waiting.job, now) >= PATIENCE

    def place(self, station: Station) -> Place:
        """What the ledger keeps of a station."""
        found = {"threads": station.threads, "device": station.devices[0], "devices": len(station.devices)}
        return Place(", ".join(dict.fromkeys(station.devices)), {**self._environment, **found})

    def told(self) -> list[dict[str, Any]]:
        """Each device: its memory, what of it is promised to nobody (null: unknown), its places and runs."""
        with self._lock:
            return [self._about(device) for device in self._machine.devices]

    def _about(self, device: str) -> dict[str, Any]:
        runs = len(self._on(device))
        whole = self._whole(device)
        free = None if whole is None else max(0, int(whole * SHARE) - self._promised(device))
        return {"name": device, "memory": whole, "free": free, "places": self._machine.places, "runs": runs}

    def _room(self, device: str, wanted: int | None) -> int | None:
        """Bytes to promise to a run that wants so many, None where it has no room; 0 where nothing is known."""
        there, places = self._on(device), self._machine.places
        if len(there) >= places:
            return None
        whole = self._whole(device)
        if whole is None:
            return None if there else 0
        usable = int(whole * SHARE)
        need = usable // places if wanted is None else int(wanted * MARGIN) + (CONTEXT if device != "cpu" else 0)
        promise = usable if places == 1 else min(usable, need)
        if not there:
            return promise
        now = self._machine.memory(device)
        left = min(usable - self._promised(device), usable if now is None else now)
        return promise if promise <= left else None

    def _whole(self, device: str) -> int | None:
        """Bytes that were free when nothing of ours ran there."""
        if device not in self._idle or not self._on(device):
            self._idle[device] = self._machine.memory(device)
        return self._idle[device]

    def _on(self, device: str) -> list[Station]:
        return [station for station in self._held.values() if device in station.devices]

    def _promised(self, device: str) -> int:
        return sum(station.memory for station in self._on(device))


class Choice:
    """One walk along the line: what `claim` asks of each waiting run."""

    def __init__(self, devices: Devices) -> None:
        self._devices, self._closed = devices, False
        self.station: Station | None = None
        self.passed: set[UUID] = set()

    @property
    def whole(self) -> bool:
        """Whether the walk has asked for every run, and found room for none."""
        return self.station is None and not self._closed

    def offer(self, waiting: Waiting) -> Place | None:
        """A place for this run, whose station is kept; None where it has no room or must not pass another."""
        self.station = None if self._closed else self._devices.find(waiting)
        if self.station is not None:
            return self._devices.place(self.station)
        self.passed.add(waiting.job)
        self._closed = self._closed or self._devices.overdue(waiting)
        return None
