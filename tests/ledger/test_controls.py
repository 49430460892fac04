"""Stop, pause, resume, remove: what each state makes of each wish."""

from __future__ import annotations

import pytest

from playground.domain.errors import Conflict, NotFound
from playground.domain.job import Status
from playground.ledger.append import append
from playground.ledger.claim import Claim
from playground.ledger.controls import remove, request
from playground.ledger.invariants import check
from playground.ledger.models import Event, Job
from tests.ledger.conftest import MakeJob, log_of


def test_a_waiting_job_is_stopped_at_once_and_a_second_stop_is_no_error(make_job: MakeJob) -> None:
    job = make_job()
    stopped = request(job, "stop")
    assert (stopped.status, stopped.desired) == ("stopped", "stop")
    assert stopped.finished_at is not None
    assert request(job, "stop").last_seq == 2
    assert log_of(job.pk)[-1] == (2, 0, "status", "stopped")
    for wish in ("pause", "resume"):
        with pytest.raises(Conflict, match="already ended"):
            request(job, "pause" if wish == "pause" else "resume")
    assert check(job) == []


def test_a_waiting_job_is_paused_and_resumed_at_once(make_job: MakeJob) -> None:
    job = make_job()
    assert request(job, "pause").status == "paused"
    assert request(job, "pause").last_seq == 2
    resumed = request(job, "resume")
    assert (resumed.status, resumed.desired, resumed.reason) == ("queued", "run", "resume")
    assert request(job, "resume").last_seq == 3
    assert request(request(job, "pause"), "stop").status == "stopped"
    assert check(job) == []


def test_a_running_job_only_gets_the_wish(running: Claim) -> None:
    job = running.job
    for wish, desired in (("pause", "pause"), ("resume", "run"), ("stop", "stop")):
        asked = request(job, "pause" if wish == "pause" else "resume" if wish == "resume" else "stop")
        assert (asked.status, asked.desired, asked.last_seq) == ("running", desired, job.last_seq)
    with pytest.raises(Conflict, match="being stopped"):
        request(job, "resume")
    append(job.pk, running.attempt, [], to=Status.STOPPED)
    assert check(job) == []


def test_a_done_job_takes_no_wish(running: Claim) -> None:
    append(running.job.pk, running.attempt, [], to=Status.DONE)
    with pytest.raises(Conflict, match="already ended"):
        request(running.job, "stop")


def test_only_what_has_ended_can_be_removed(running: Claim) -> None:
    job = running.job
    with pytest.raises(Conflict, match="stop it first"):
        remove(job)
    append(job.pk, running.attempt, [], to=Status.DONE)
    remove(job)
    assert not Job.objects.exists()
    assert not Event.objects.exists()
    with pytest.raises(NotFound):
        request(job, "stop")
    assert check(job) == [f"I1 job {job.pk} does not exist"]
