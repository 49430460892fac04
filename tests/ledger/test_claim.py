"""Claiming and the line: fair by owner, old before young, and only what may run."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from uuid import UUID

from django.db.models import F

from playground.domain.job import LEASE_STARTING, Loss
from playground.domain.messages import NewEvent
from playground.ledger.append import append
from playground.ledger.claim import Claim, Place, claim
from playground.ledger.controls import request
from playground.ledger.models import Attempt, Job
from playground.ledger.queue import Waiting, fair, line, position
from playground.ledger.reap import release
from playground.people.models import User
from tests.ledger.conftest import MakeJob, log_of, pass_time


def test_a_claim_is_an_attempt_with_a_short_lease(make_job: MakeJob) -> None:
    job = make_job()
    got = claim("w1", host="here", pid=7, process="p", device="cpu", environment={"torch": "2"})
    assert got is not None
    assert (got.job.pk, got.attempt, got.job.status, got.job.worker) == (job.pk, 1, "starting", "w1")
    assert got.job.lease_until is not None
    assert got.job.started_at is not None
    assert got.job.lease_until - got.job.started_at == LEASE_STARTING
    assert log_of(job.pk)[-1] == (2, 1, "status", "starting")
    attempt = Attempt.objects.get(job=job)
    assert (attempt.host, attempt.pid, attempt.device, attempt.environment) == ("here", 7, "cpu", {"torch": "2"})


def test_nothing_to_claim_is_no_claim(db: None) -> None:
    assert claim("w1") is None


def test_a_job_without_a_place_is_passed(make_job: MakeJob) -> None:
    large, small = make_job(memory=5, devices=2), make_job(memory=1)
    _spread([large, small])
    seen = []

    def offer(waiting: Waiting) -> Place | None:
        seen.append((waiting.memory, waiting.devices))
        return Place("cuda:1", {"threads": 3}) if waiting.memory == 1 else None

    got = claim("w", offer=offer)
    assert got is not None
    assert got.job.pk == small.pk
    assert seen == [(5, 2), (1, 1)]
    attempt = Attempt.objects.get(job=small)
    assert (attempt.device, attempt.environment) == ("cuda:1", {"threads": 3})
    assert claim("w", offer=offer) is None


def test_a_claimed_job_is_not_claimed_again(make_job: MakeJob) -> None:
    make_job()
    assert claim("w1")
    assert claim("w2") is None


def test_the_oldest_job_of_whoever_runs_least_is_next(owner: User, make_job: MakeJob) -> None:
    grace = User.objects.create_user("grace")
    hers_first = make_job(owner)
    mine = [hers_first, make_job(owner), make_job(owner)]
    late = make_job(grace)
    _spread([*mine, late])
    assert [entry.job for entry in line()] == [mine[0].pk, late.pk, mine[1].pk, mine[2].pk]
    assert [position(job) for job in [*mine, late]] == [1, 3, 4, 2]
    claims = [claim("w") for _ in range(4)]
    assert [got.job.pk for got in claims if got] == [mine[0].pk, late.pk, mine[1].pk, mine[2].pk]


def _spread(jobs: list[Job]) -> None:
    """Put a second between the submissions."""
    for age, job in enumerate(reversed(jobs)):
        Job.objects.filter(pk=job.pk).update(created_at=F("created_at") - timedelta(seconds=age))


def test_forty_first_jobs_stand_before_anyones_second() -> None:
    waiting = [Waiting(UUID(int=turn * 100 + owner), owner, 0) for owner in range(40) for turn in range(5)]
    order = [entry.job.int // 100 for entry in fair(waiting, Counter())]
    assert order == sorted(order)
    busy = fair(waiting, Counter({0: 1}))
    assert [entry.owner for entry in busy[:40]] == [*range(1, 40), 0]
    assert busy[39].job.int // 100 == 0


def test_a_paused_and_a_waiting_job_are_passed_over(make_job: MakeJob) -> None:
    paused, lost, ready = make_job(), make_job(), make_job()
    _spread([lost, paused, ready])
    first = claim("w")
    assert first is not None
    assert first.job.pk == lost.pk
    release(lost.pk, 1, Loss.WORKER_LOST)
    request(paused, "pause")
    assert [entry.job for entry in line()] == [ready.pk]
    assert position(paused) is None
    claim("w")
    assert claim("w") is None
    pass_time(2)
    again = claim("w")
    assert again is not None
    assert (again.job.pk, again.attempt) == (lost.pk, 2)


def test_an_attempt_knows_where_it_resumes(running: Claim) -> None:
    job = running.job
    append(job.pk, 1, [NewEvent(type="checkpoint", data={"step": 30, "path": "checkpoints/1-30"})])
    release(job.pk, 1, Loss.PREEMPTED)
    again = claim("w2")
    assert again is not None
    assert list(Attempt.objects.filter(job=job).values_list("resume_step", flat=True)) == [0, 30]
