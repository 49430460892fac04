"""The waiting line: whose job is next, at which place a job stands, and why it does not run.

The line is fair by owner: a job counts as its owner's n-th where n is the number of that owner's active and earlier
waiting jobs, and the line is sorted by (n, time of submission). Forty people's first jobs stand before anyone's second.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from playground.domain.job import ACTIVE, TERMINAL, Desired, Loss, Status
from playground.ledger.models import Job, Worker
from playground.ledger.presence import alive

MAX_PARAMETERS = 500
"""Ids in one query; well below what SQLite takes."""


class Waiting(NamedTuple):
    """A claimable job: its id, its owner and the attempt number to compare and swap against, and what it needs.

    `memory` is in bytes on each of its `devices`, None where nobody knows.
    """

    job: UUID
    owner: int
    attempt: int
    memory: int | None = None
    devices: int = 1


class Reason(NamedTuple):
    """Why a job is not running: a slug for programs and a sentence for people."""

    code: str
    message: str


def fair(waiting: Iterable[Waiting], active: Counter[int]) -> list[Waiting]:
    """Sort jobs given in order of submission into the line; `active` counts each owner's active jobs."""
    turns = Counter(active)
    ranked: list[tuple[int, Waiting]] = []
    for entry in waiting:
        ranked.append((turns[entry.owner], entry))
        turns[entry.owner] += 1
    return [entry for _turn, entry in sorted(ranked, key=lambda pair: pair[0])]


def line() -> list[Waiting]:
    """Return the jobs that may be claimed now, the next one first."""
    ready = Job.objects.filter(status=Status.QUEUED, desired=Desired.RUN, not_before__lte=Now())
    rows = ready.order_by("created_at", "pk").values_list("pk", "owner_id", "attempt", "memory", "params__devices")
    active = Job.objects.filter(status__in=ACTIVE).values_list("owner_id", flat=True)
    return fair((Waiting(*row[:4], devices=row[4] or 1) for row in rows), Counter(active))


def position(job: Job) -> int | None:
    """Return the place of a job in the line, 1 for the next one; None where it does not stand there."""
    return next((place for place, entry in enumerate(line(), 1) if entry.job == job.pk), None)


def why(job: Job) -> Reason | None:
    """Return why the job is not running; None for one that is running as it should, or ended."""
    return reasons([job])[job.pk]


def reasons(jobs: Sequence[Job]) -> dict[UUID, Reason | None]:
    """`why` for many jobs, with a fixed number of queries."""
    if not any(job.status == Status.QUEUED for job in jobs):
        return {job.pk: _standing(job) for job in jobs}
    workers, waits = list(alive("train")), _waits()
    places = {entry.job: place for place, entry in enumerate(line(), 1)}
    return {
        job.pk: _waiting(job, workers, waits.get(job.pk, 0.0), places.get(job.pk, 1))
        if job.status == Status.QUEUED
        else _standing(job)
        for job in jobs
    }


def _standing(job: Job) -> Reason | None:
    if job.status == Status.PAUSED:
        return Reason("paused", _("Paused. Resume goes on from the last checkpoint."))
    if not job.is_active:
        return None
    if job.desired == Desired.STOP:
        return Reason("stopping", _("Stopping: the model as it is now is being saved."))
    if job.desired == Desired.PAUSE:
        return Reason("pausing", _("Pausing: a checkpoint is being written."))
    if job.status == Status.STARTING:
        return Reason("starting", _("A worker has taken the run and is getting ready."))
    return None


def _waits() -> dict[UUID, float]:
    """Return the seconds that each queued job which may not be claimed yet still has to wait."""
    held_back = Job.objects.filter(status=Status.QUEUED, not_before__gt=Now()).annotate(now=Now())
    rows = held_back.values_list("pk", "not_before", "now")
    return {pk: (not_before - now).total_seconds() for pk, not_before, now in rows}


def _waiting(job: Job, workers: Sequence[Worker], wait: float, place: int) -> Reason:
    if not workers:
        return Reason("no_worker", _("No training worker is alive. The run starts as soon as there is one."))
    if job.reason == Loss.DISK_FULL:
        return Reason("disk", _("The disk is full. The run goes on when there is space again."))
    if wait > 0:
        seconds = math.ceil(wait)
        said = ngettext(
            "The worker was lost. Trying again in {n} second.",
            "The worker was lost. Trying again in {n} seconds.",
            seconds,
        )
        return Reason("backoff", said.format(n=seconds))
    short = _room(job, [worker.devices for worker in workers])
    if short is not None:
        return short
    if place == 1:
        return Reason("position", _("Next in line."))
    return Reason("position", _("Number {n} in line.").format(n=place))


def _room(job: Job, machines: Sequence[list[dict[str, Any]]]) -> Reason | None:
    """Return what a run lacks that could else begin now; None where it only waits for its turn, or nobody can tell."""
    wanted = job.params.get("devices") or 1
    if any(not devices for devices in machines):
        return None
    if all(devices[0]["name"] != "cpu" and len(devices) < wanted for devices in machines):
        said = ngettext("No worker has {n} device.", "No worker has {n} devices on one machine.", wanted)
        return Reason("devices", said.format(n=wanted))
    open_places = [device for devices in machines for device in devices if device["runs"] < device["places"]]
    need = job.memory or 0
    if not open_places:
        return None
    if any(not device["runs"] or device["free"] is None or device["free"] >= need for device in open_places):
        return None
    said = _("Needs {need} GiB of memory; beside the runs that are under way, {have} GiB are left.")
    have = max(device["free"] for device in open_places)
    return Reason("memory", said.format(need=f"{need / 2**30:.1f}", have=f"{have / 2**30:.1f}"))


def in_use(artifact_ids: Sequence[UUID]) -> Counter[UUID]:
    """Count, for each artifact, the jobs that read it and have not ended."""
    unfinished = Job.objects.exclude(status__in=TERMINAL)
    counts: Counter[UUID] = Counter()
    for start in range(0, len(artifact_ids), MAX_PARAMETERS):
        part = artifact_ids[start : start + MAX_PARAMETERS]
        rows = unfinished.filter(job_inputs__artifact__in=part)
        counts.update(rows.values_list("job_inputs__artifact", flat=True))
    return counts
