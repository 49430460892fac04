"""Reaping and releasing: what becomes of a job whose attempt is over before the job is."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from playground.domain.errors import Fenced
from playground.domain.job import Loss, Status
from playground.ledger import process
from playground.ledger.append import append
from playground.ledger.claim import Claim, claim
from playground.ledger.controls import request
from playground.ledger.invariants import check
from playground.ledger.models import Attempt
from playground.ledger.reap import POISON, reap, reap_orphans, release
from playground.ledger.timeline import events_after
from tests.ledger.conftest import MakeJob, log_of, pass_time


def test_only_an_expired_lease_is_reaped_and_only_once(running: Claim) -> None:
    assert reap() == []
    pass_time(16)
    assert reap() == [running.job.pk]
    assert reap() == []
    job = running.job
    job.refresh_from_db()
    assert (job.status, job.reason, job.lost, job.lease_until) == ("queued", "worker_lost", 1, None)
    assert Attempt.objects.get(job=job).outcome == "worker_lost"
    told = events_after(job.pk)[0][-1].data
    assert told == {"status": "queued", "attempt": 1, "reason": "worker_lost", "loss": "worker_lost"}
    with pytest.raises(Fenced):
        append(job.pk, 1, [])
    assert check(job) == []


def test_a_worker_that_is_late_but_not_reaped_keeps_its_job(running: Claim) -> None:
    pass_time(60)
    append(running.job.pk, running.attempt, [])
    assert reap() == []


def test_three_losses_are_poison_and_say_so(make_job: MakeJob) -> None:
    job = make_job()
    for attempt in (1, 2, 3):
        assert claim("w") is not None
        state = release(job.pk, attempt, Loss.WORKER_LOST, "The process was ended by signal 9.")
        assert state is (Status.QUEUED if attempt < 3 else Status.FAILED)
        pass_time(60)
    job.refresh_from_db()
    assert (job.failure, job.attempt, claim("w")) == ("poison", 3, None)
    assert job.error == f"{POISON} The process was ended by signal 9."
    assert [status for _seq, _attempt, _kind, status in log_of(job.pk)].count("failed") == 1
    assert check(job) == []


def test_a_full_disk_waits_and_does_not_count(running: Claim) -> None:
    job = running.job
    assert release(job.pk, 1, Loss.DISK_FULL) is Status.QUEUED
    assert claim("w") is None
    pass_time(6)
    assert claim("w") is not None
    job.refresh_from_db()
    assert job.lost == 0


def test_a_wish_is_granted_when_the_worker_is_lost(make_job: MakeJob) -> None:
    stopped, paused = make_job(), make_job()
    for job in (stopped, paused):
        assert claim("w") is not None
        request(job, "stop" if job is stopped else "pause")
    pass_time(30)
    assert len(reap()) == 2
    for job in (stopped, paused):
        job.refresh_from_db()
        assert check(job) == []
    assert (stopped.status, paused.status) == ("stopped", "paused")


def test_a_job_of_a_process_that_is_gone_need_not_wait_for_its_lease(make_job: MakeJob) -> None:
    gone, here, elsewhere = make_job(), make_job(), make_job()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        dead = process.identity(child.pid)
        assert process.is_alive(dead)
        assert child.stdin is not None
        child.stdin.close()
    assert not process.is_alive(dead)
    claims = [("host", dead), ("host", process.identity()), ("another", dead)]
    taken = [claim("w", host=host, process=who) for host, who in claims]
    assert len({got.job.pk for got in taken if got}) == 3
    lost = [got.job.pk for got in taken[:1] if got]
    assert reap_orphans("host", process.is_alive) == lost
    assert reap_orphans("host", process.is_alive) == []
    assert {gone.pk, here.pk, elsewhere.pk} >= set(lost)


def test_a_process_is_known_by_more_than_its_number() -> None:
    me = process.identity()
    boot, namespace, number, started = me.split()
    assert int(number) == os.getpid()
    assert process.is_alive(me)
    assert not process.is_alive(f"{boot} {namespace} {number} {int(started) + 1}")
    assert not process.is_alive(f"another-boot {namespace} {number} {started}")
    # In another container the same number is another process: only the lease can tell.
    assert process.is_alive(f"{boot} pid:[1] {number} {started}")
    assert process.is_alive("")
    assert process.identity(2**22 + 1) == ""
