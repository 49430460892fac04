"""Asking a run to do something now: heard by the attempt that runs, forgotten with it, and never part of the story."""

from __future__ import annotations

import pytest

from playground.domain.errors import Conflict
from playground.domain.job import Loss, Status
from playground.domain.messages import Ask
from playground.ledger.append import append
from playground.ledger.asks import KEPT, ask
from playground.ledger.claim import Claim, claim
from playground.ledger.controls import request
from playground.ledger.invariants import check
from playground.ledger.models import Job
from playground.ledger.reap import release
from tests.ledger.conftest import MakeJob, pass_time


def test_an_ask_comes_back_with_the_next_append_and_changes_nothing_else(running: Claim) -> None:
    before = running.job.last_seq
    ask(running.job, "evaluate")
    ask(running.job, "sample", "Once")
    reply = append(running.job.pk, running.attempt, [])
    assert reply.asks == (Ask(number=1, ask="evaluate"), Ask(number=2, ask="sample", prompt="Once"))
    assert reply.last_seq == before
    assert check(running.job) == []


def test_a_new_attempt_does_not_hear_what_the_one_before_was_asked(running: Claim) -> None:
    ask(running.job, "probe")
    release(running.job.pk, running.attempt, Loss.WORKER_LOST)
    pass_time(60)
    again = claim("w2")
    assert again is not None
    assert append(again.job.pk, again.attempt, [], to=Status.RUNNING).asks == ()
    ask(again.job, "probe")
    assert append(again.job.pk, again.attempt, []).asks == (Ask(number=1, ask="probe"),)


def test_a_row_holds_the_latest_asks_and_their_numbers_go_on(running: Claim) -> None:
    for _ in range(KEPT + 5):
        ask(running.job, "evaluate")
    asks = append(running.job.pk, running.attempt, []).asks
    assert [entry.number for entry in asks] == list(range(6, KEPT + 6))


def test_only_a_running_run_can_be_asked(make_job: MakeJob, running: Claim) -> None:
    waiting = make_job()
    with pytest.raises(Conflict, match="not running"):
        ask(waiting, "evaluate")
    request(running.job, "pause")
    with pytest.raises(Conflict, match="not running"):
        ask(running.job, "evaluate")
    append(running.job.pk, running.attempt, [], to=Status.PAUSED)
    with pytest.raises(Conflict, match="not running"):
        ask(Job.objects.get(pk=running.job.pk), "sample")
