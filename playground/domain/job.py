"""What states a job can be in, which follows which, and what ends or interrupts one.

This is the one table of transitions. The pure machine (`machine.py`) walks it, the ledger's SQL mirrors it, and the
pages name its members.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

MAX_LOST = 3
"""So many counted losses make a job poison: it would only take the next worker down as well."""

HEARTBEAT = timedelta(seconds=3)
"""How often a supervisor renews its lease when there is nothing else to append."""

LEASE = timedelta(seconds=15)
"""How long an attempt holds its job after an append: five heartbeats, so that one slow write loses nothing."""

LEASE_STARTING = timedelta(seconds=20)
"""How long an attempt may take from the claim to its first append, the start of its process included."""

DISK_RETRY = timedelta(seconds=5)
"""How long a job that met a full disk waits; short, so that it goes on soon after space returns."""


class Status(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


class Desired(StrEnum):
    """What its owner wants of a job; a running attempt learns it in the reply to every append."""

    RUN = "run"
    PAUSE = "pause"
    STOP = "stop"


class Failure(StrEnum):
    """Why a job failed. None of these is tried again: the user, or we, must change something first."""

    BAD_INPUT = "bad_input"
    OUT_OF_MEMORY = "out_of_memory"
    NAN_LOSS = "nan_loss"
    TIME_LIMIT = "time_limit"
    HUNG = "hung"
    POISON = "poison"
    INTERNAL = "internal"


class Loss(StrEnum):
    """Why an attempt ended while its job did not; only `WORKER_LOST` is counted towards `MAX_LOST`."""

    WORKER_LOST = "worker_lost"
    PREEMPTED = "preempted"
    DISK_FULL = "disk_full"


TERMINAL: frozenset[Status] = frozenset({Status.DONE, Status.FAILED, Status.STOPPED})
ACTIVE: frozenset[Status] = frozenset({Status.STARTING, Status.RUNNING, Status.PAUSING})

TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.STARTING, Status.PAUSED, Status.STOPPED}),
    Status.STARTING: frozenset(
        {Status.RUNNING, Status.PAUSING, Status.PAUSED, Status.QUEUED, Status.FAILED, Status.STOPPED}
    ),
    Status.RUNNING: frozenset(
        {Status.PAUSING, Status.PAUSED, Status.QUEUED, Status.DONE, Status.FAILED, Status.STOPPED}
    ),
    Status.PAUSING: frozenset({Status.PAUSED, Status.QUEUED, Status.DONE, Status.FAILED, Status.STOPPED}),
    Status.PAUSED: frozenset({Status.QUEUED, Status.STOPPED}),
    Status.DONE: frozenset(),
    Status.FAILED: frozenset(),
    Status.STOPPED: frozenset(),
}


def backoff(lost: int) -> timedelta:
    """Return how long a job waits after its `lost`-th counted loss (1, 4, 16 ... seconds, at most a minute).

    The first wait is short because most losses are a killed process, not a bad job.
    """
    return timedelta(seconds=min(60, 4 ** max(0, lost - 1)))
