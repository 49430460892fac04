"""The eight invariants of a job, as far as the database and the store can tell whether they hold.

They are the oracle of every test that breaks something, and part of the product's own report on its health.

I1 an accepted job exists and begins with its submission; I2 it ends at most once, and nothing follows the end; I3 its
numbers have no gaps; I4 attempts never go back; I5 nothing was accepted from an attempt that was over; I6 at most one
attempt lives, and only while the job is active; I7 what it made and what it still needs exists under its hash; I8 the
counters equal a recount, and each step stands once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from playground.domain.job import ACTIVE, TERMINAL, TRANSITIONS, Status
from playground.ledger.models import Attempt, Event, Job
from playground.library import store
from playground.library.artifacts import path_of, tree_digest


class Logged(NamedTuple):
    """One event as far as the invariants need it."""

    seq: int
    attempt: int
    type: str
    data: dict[str, Any]

    @property
    def status(self) -> Status | None:
        """The state that the event records the entry of, if it does."""
        return Status(self.data["status"]) if self.type == "status" else None


Log = list[Logged]


def check(job: Job) -> list[str]:
    """Return one sentence for each violation, prefixed with its number; none for a job that is as it should be.

    For a job that is being written to, call it in a transaction: what it reads must be of one moment.
    """
    now = Job.objects.filter(pk=job.pk).first()
    if now is None:
        return [f"I1 job {job.pk} does not exist"]
    rows = Event.objects.filter(job=now).order_by("seq").values_list("seq", "attempt", "type", "data")
    log = [Logged(*row) for row in rows]
    checks: tuple[Callable[[Job, Log], Iterator[str]], ...] = (
        _begins, _ends_once, _has_no_gaps, _never_goes_back, _fenced, _one_alive, _artifacts_exist, _counts
    )  # fmt: skip
    return [said for each in checks for said in each(now, log)]


def _path(log: Log) -> list[Status]:
    return [entry.status for entry in log if entry.status is not None]


def _begins(_job: Job, log: Log) -> Iterator[str]:
    if not log or log[0].status is not Status.QUEUED:
        yield "I1 the log does not begin with the submission"


def _ends_once(job: Job, log: Log) -> Iterator[str]:
    path = _path(log)
    ends = sum(status in TERMINAL for status in path)
    if ends != (job.status in TERMINAL):
        yield f"I2 a {job.status} job has {ends} ends in its log"
    if ends and log[-1].status not in TERMINAL:
        yield "I2 something follows the end"
    if path and path[-1] != job.status:
        yield f"I2 the log says {path[-1]}, the job {job.status}"
    for before, after in pairwise(path):
        if after not in TRANSITIONS[before]:
            yield f"I2 there is no transition from {before} to {after}"


def _has_no_gaps(job: Job, log: Log) -> Iterator[str]:
    if [entry.seq for entry in log] != list(range(1, job.next_seq)):
        yield f"I3 the numbers are not 1 to {job.next_seq - 1}"


def _never_goes_back(job: Job, log: Log) -> Iterator[str]:
    attempts = [entry.attempt for entry in log]
    if attempts != sorted(attempts):
        yield "I4 an attempt follows a later one"
    if attempts and attempts[-1] > job.attempt:
        yield "I4 the log knows an attempt that the job does not"


def _fenced(_job: Job, log: Log) -> Iterator[str]:
    """Between an attempt's end and the next claim there are only transitions, and each claim is the next attempt."""
    active, current = False, 0
    for entry in log:
        if entry.status is Status.STARTING:
            if entry.attempt != current + 1:
                yield f"I5 attempt {entry.attempt} follows attempt {current}"
            current = entry.attempt
        elif entry.attempt != current or (entry.status is None and not active):
            yield f"I5 event {entry.seq} is of attempt {entry.attempt}, which was over"
        active = entry.status in ACTIVE if entry.status is not None else active


def _one_alive(job: Job, _log: Log) -> Iterator[str]:
    attempts = list(Attempt.objects.filter(job=job).order_by("number").values_list("number", "ended_at"))
    if [number for number, _ended in attempts] != list(range(1, job.attempt + 1)):
        yield f"I6 the attempts are not 1 to {job.attempt}"
    alive = [number for number, ended in attempts if ended is None]
    if alive != ([job.attempt] if job.is_active else []):
        yield f"I6 a {job.status} job has the living attempts {alive}"
    if (job.lease_until is not None) != job.is_active:
        yield f"I6 the lease of a {job.status} job is {job.lease_until}"


def _artifacts_exist(job: Job, _log: Log) -> Iterator[str]:
    """Ask the store for what the job made, and for its inputs until it has ended."""
    for entry in job.job_inputs.select_related("artifact"):
        if entry.artifact is None and not job.is_terminal:
            yield f"I7 the {entry.role} of the job is gone"
        elif entry.artifact is not None and not store.current().exists(entry.artifact.kind, entry.sha256):
            yield f"I7 the store has lost the {entry.role} of the job"
    for made in (job.model, job.tokenizer):
        if made is None:
            continue
        if not store.current().exists(made.kind, made.sha256):
            yield f"I7 the store has lost the {made.kind} that the job made"
        elif tree_digest(path_of(made))[0] != made.sha256:
            yield f"I7 the {made.kind} that the job made is not what its hash says"


def _counts(job: Job, log: Log) -> Iterator[str]:
    last: dict[str, int] = {}
    reached = 0
    for entry in log:
        if entry.type != "metrics":
            continue
        reached = max(reached, entry.data["step"][-1])
        for name, values in entry.data.items():
            told = [step for step, value in zip(entry.data["step"], values, strict=True) if value is not None]
            if name == "step" or not told:
                continue
            if told[0] <= last.get(name, 0):
                yield f"I8 step {told[0]} of {name} stands twice"
            last[name] = told[-1]
    if last != job.progress_mark().series:
        yield f"I8 the series end at {last}, the job says {job.progress_mark().series}"
    if reached > job.step:
        yield f"I8 the log reaches step {reached}, the job says {job.step}"
    losses = sum(entry.data.get("loss") == "worker_lost" for entry in log if entry.type == "status")
    if losses != job.lost:
        yield f"I8 the log counts {losses} losses, the job {job.lost}"
