"""The life of a job as a pure function: `step(state, event)` is the next state, or the same one where it is refused.

The ledger's SQL does exactly this, concurrently; tests play random traces (claims, appends, crashes, zombies, controls,
a moving clock) on both and compare. The two decisions that are more than a look into the table of transitions,
`after_loss` and `landing`, are made here for both.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Literal

from playground.domain.job import (
    ACTIVE,
    DISK_RETRY,
    LEASE,
    LEASE_STARTING,
    MAX_LOST,
    TERMINAL,
    TRANSITIONS,
    Desired,
    Failure,
    Loss,
    Status,
    backoff,
)

Request = Literal["stop", "pause", "resume"]


@dataclass(frozen=True)
class Verdict:
    """What becomes of a job that lost its attempt; it may be claimed again after `delay`."""

    status: Status
    reason: str
    lost: int
    delay: timedelta = timedelta()
    failure: Failure | None = None


def after_loss(desired: Desired, lost: int, loss: Loss) -> Verdict:
    """Decide about a job whose attempt ended by `loss` after `lost` counted losses before it."""
    counted = lost + (loss is Loss.WORKER_LOST)
    if desired is Desired.STOP:
        return Verdict(Status.STOPPED, "stop", counted)
    if counted >= MAX_LOST:
        return Verdict(Status.FAILED, Failure.POISON, counted, failure=Failure.POISON)
    if desired is Desired.PAUSE:
        return Verdict(Status.PAUSED, "pause", counted)
    delays = {Loss.WORKER_LOST: backoff(counted), Loss.DISK_FULL: DISK_RETRY, Loss.PREEMPTED: timedelta()}
    return Verdict(Status.QUEUED, loss, counted, delays[loss])


def landing(status: Status, to: Status, desired: Desired, failure: Failure | None = None) -> tuple[Status, str] | None:
    """Return the state that an attempt in `status` which reports `to` really enters, and why; None if it may not.

    Only a pause can land elsewhere: its owner may have resumed or stopped the job while the checkpoint was written.
    Nothing else puts a job back into the line, and a failure must have a class.
    """
    if to in {Status.QUEUED, Status.STARTING} or (to is Status.FAILED) != (failure is not None):
        return None
    landed: Status = to
    reason = str(failure or "")
    if to is Status.PAUSED and desired is Desired.RUN:
        landed, reason = Status.QUEUED, "resume"
    elif to is Status.STOPPED or (to is Status.PAUSED and desired is Desired.STOP):
        landed, reason = Status.STOPPED, "stop"
    elif to in {Status.PAUSED, Status.PAUSING}:
        reason = "pause"
    return (landed, reason) if landed in TRANSITIONS[status] else None


@dataclass(frozen=True)
class Entry:
    """One event of the log; `status` is set where it records a transition."""

    seq: int
    attempt: int
    status: Status | None = None


@dataclass(frozen=True)
class State:
    """A job at a moment. Times are seconds of one clock, the database's."""

    now: float = 0.0
    status: Status = Status.QUEUED
    desired: Desired = Desired.RUN
    reason: str = "submitted"
    attempt: int = 0
    lost: int = 0
    lease_until: float | None = None
    not_before: float = 0.0
    failure: Failure | None = None
    log: tuple[Entry, ...] = field(default=(Entry(1, 0, Status.QUEUED),))

    def logged(self, count: int) -> State:
        """Add `count` ordinary events."""
        start = len(self.log) + 1
        return replace(self, log=self.log + tuple(Entry(start + i, self.attempt) for i in range(count)))

    def entered(self, status: Status, reason: str) -> State:
        """Make a transition and log it; leaving the active states gives the lease up."""
        entry = Entry(len(self.log) + 1, self.attempt, status)
        lease = self.lease_until if status in ACTIVE else None
        return replace(self, status=status, reason=reason, lease_until=lease, log=(*self.log, entry))


@dataclass(frozen=True)
class Tick:
    """Time passes."""

    seconds: float


@dataclass(frozen=True)
class Claim:
    """A worker takes the job that it saw with attempt number `seen`."""

    seen: int


@dataclass(frozen=True)
class Append:
    """An attempt stores `count` events, renews its lease and perhaps enters the state `to`."""

    attempt: int
    count: int = 0
    to: Status | None = None
    failure: Failure | None = None


@dataclass(frozen=True)
class Reap:
    """Somebody looks whether the lease of attempt `seen` has run out."""

    seen: int


@dataclass(frozen=True)
class Release:
    """A supervisor gives its attempt up."""

    attempt: int
    loss: Loss


@dataclass(frozen=True)
class Ask:
    """The owner stops, pauses or resumes."""

    request: Request


Event = Tick | Claim | Append | Reap | Release | Ask


def step(state: State, event: Event) -> State:
    """Return what `event` makes of `state`; the very same object means that it was refused or changes nothing."""
    match event:
        case Tick(seconds):
            return replace(state, now=state.now + seconds)
        case Claim(seen):
            return _claim(state, seen)
        case Append():
            return _append(state, event)
        case Reap(seen):
            expired = state.lease_until is not None and state.lease_until < state.now
            return _lose(state, seen, Loss.WORKER_LOST) if expired else state
        case Release(attempt, loss):
            return _lose(state, attempt, loss)
        case Ask(request):
            return _ask(state, request)


def _claim(state: State, seen: int) -> State:
    wanted = state.status is Status.QUEUED and state.desired is Desired.RUN and state.not_before <= state.now
    if not wanted or seen != state.attempt:
        return state
    claimed = replace(state, attempt=seen + 1, lease_until=state.now + LEASE_STARTING.total_seconds())
    return claimed.entered(Status.STARTING, "claim")


def _append(state: State, event: Append) -> State:
    if event.attempt != state.attempt or state.status not in ACTIVE:
        return state
    renewed = replace(state, lease_until=state.now + LEASE.total_seconds())
    if event.to is None or event.to is state.status:
        return renewed.logged(event.count)
    landed = landing(state.status, event.to, state.desired, event.failure)
    if landed is None:
        return state
    to, reason = landed
    if to in ACTIVE:
        return renewed.entered(to, reason).logged(event.count)
    ended = renewed.logged(event.count).entered(to, reason)
    return replace(ended, failure=event.failure, not_before=state.now if to is Status.QUEUED else state.not_before)


def _lose(state: State, attempt: int, loss: Loss) -> State:
    if attempt != state.attempt or state.status not in ACTIVE:
        return state
    verdict = after_loss(state.desired, state.lost, loss)
    lost = replace(state, lost=verdict.lost, failure=verdict.failure)
    return replace(lost, not_before=state.now + verdict.delay.total_seconds()).entered(verdict.status, verdict.reason)


def _ask(state: State, request: Request) -> State:
    if state.status in TERMINAL or state.desired is Desired.STOP:
        return state
    resting = state.status not in ACTIVE
    match request:
        case "stop":
            asked = replace(state, desired=Desired.STOP)
            return asked.entered(Status.STOPPED, "stop") if resting else asked
        case "pause":
            asked = replace(state, desired=Desired.PAUSE)
            return asked.entered(Status.PAUSED, "pause") if state.status is Status.QUEUED else asked
        case "resume":
            asked = replace(state, desired=Desired.RUN)
            if state.status is not Status.PAUSED:
                return asked
            return replace(asked, not_before=state.now).entered(Status.QUEUED, "resume")
