"""Appending: the fence, the lease, the mark of what is stored, and the transitions that an attempt makes."""

from __future__ import annotations

from typing import Any

import pytest

from playground.domain.errors import BadInput, Conflict, Fenced
from playground.domain.job import Desired, Failure, Loss, Status
from playground.domain.messages import NewEvent
from playground.ledger.append import MAX_ERROR_CHARACTERS, append
from playground.ledger.claim import Claim, claim
from playground.ledger.controls import request
from playground.ledger.invariants import check
from playground.ledger.models import Attempt, Event, Job
from playground.ledger.reap import release
from playground.ledger.series import metrics
from playground.ledger.timeline import events_after
from playground.library.models import Artifact
from tests.ledger.conftest import log_of


def points(steps: list[int], **series: list[float | None]) -> NewEvent:
    return NewEvent(type="metrics", data={"step": steps, **series})


def test_events_get_the_next_numbers_and_the_mark_moves(running: Claim) -> None:
    job, attempt = running
    reply = append(
        job.pk,
        attempt,
        [
            points([1, 2], loss=[7.5, 7.25], grad_norm=[1.0, None]),
            points([2], val_loss=[7.0]),
            NewEvent(type="sample", data={"step": 2, "text": "To be"}),
            NewEvent(type="checkpoint", data={"step": 2, "path": "checkpoints/1-2"}),
        ],
        steps=300,
    )
    job.refresh_from_db()
    assert reply[:3] == (Desired.RUN, 7, Status.RUNNING)
    assert (job.last_seq, job.step, job.steps) == (7, 2, 300)
    assert job.step_at is not None
    mark = job.progress_mark()
    assert mark.series == {"loss": 2, "grad_norm": 1, "val_loss": 2}
    assert (mark.sample, mark.probe) == (2, 0)
    assert mark.checkpoint is not None
    assert (mark.checkpoint.step, mark.checkpoint.path) == (2, "checkpoints/1-2")
    assert check(job) == []


def test_a_heartbeat_renews_the_lease_and_stores_nothing(running: Claim) -> None:
    job, attempt = running
    Job.objects.filter(pk=job.pk).update(lease_until=job.created_at)
    reply = append(job.pk, attempt, [])
    before = job.last_seq
    job.refresh_from_db()
    assert reply.last_seq == job.last_seq == before
    assert job.lease_until is not None
    assert job.lease_until > job.created_at


def test_a_resumed_attempt_that_repeats_itself_leaves_no_trace(running: Claim) -> None:
    job, attempt = running
    append(job.pk, attempt, [points([1, 2, 3], loss=[3.0, 2.0, 1.0]), points([2], val_loss=[2.5])])
    append(job.pk, attempt, [NewEvent(type="sample", data={"step": 2, "text": "a"})])
    reply = append(
        job.pk,
        attempt,
        [
            points([2, 3, 4], loss=[9.0, 9.0, 0.5], val_loss=[9.0, 2.25, None]),
            points([1], loss=[9.0]),
            NewEvent(type="sample", data={"step": 2, "text": "b"}),
        ],
    )
    assert reply.last_seq == job.last_seq + 4
    assert metrics(job.pk)["series"] == {
        "loss": {"step": [1, 2, 3, 4], "value": [3.0, 2.0, 1.0, 0.5]},
        "val_loss": {"step": [2, 3], "value": [2.5, 2.25]},
    }
    assert [row.data["text"] for row in Event.objects.filter(job=job, type="sample")] == ["a"]
    assert check(job) == []


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"step": [], "loss": []},
        {"step": 1, "loss": 2.0},
        {"step": [0], "loss": [1.0]},
        {"step": [2, 1], "loss": [1.0, 1.0]},
        {"step": [1, 2], "loss": [1.0]},
        {"step": [1], "loss": 1.0},
    ],
)
def test_metrics_that_are_not_columns_are_refused_and_nothing_is_stored(running: Claim, data: dict[str, Any]) -> None:
    job, attempt = running
    line = NewEvent(type="log", data={"text": "before"})
    with pytest.raises(BadInput):
        append(job.pk, attempt, [line, NewEvent(type="metrics", data=data)])
    assert len(log_of(job.pk)) == job.last_seq


@pytest.mark.parametrize("kind", ["sample", "probe"])
def test_a_sample_needs_its_step(running: Claim, kind: str) -> None:
    with pytest.raises(BadInput, match="step"):
        append(running.job.pk, running.attempt, [NewEvent.model_validate({"type": kind, "data": {"text": "x"}})])


def test_a_zombie_is_fenced_and_stores_nothing(running: Claim) -> None:
    job, old = running
    release(job.pk, old, Loss.PREEMPTED)
    with pytest.raises(Fenced):
        append(job.pk, old, [points([1], loss=[1.0])])
    new = claim("w2")
    assert new is not None
    with pytest.raises(Fenced):
        append(job.pk, old, [points([1], loss=[1.0])], to=Status.DONE)
    with pytest.raises(Fenced):
        append(job.pk, new.attempt + 1, [])
    assert check(job) == []


def test_the_end_comes_last_carries_what_was_made_and_comes_once(running: Claim, corpus: Artifact) -> None:
    job, attempt = running
    append(job.pk, attempt, [points([1], loss=[1.0])], to=Status.DONE, tokenizer=corpus)
    job.refresh_from_db()
    assert (job.status, job.lease_until, job.worker, job.tokenizer) == ("done", None, "", corpus)
    assert job.finished_at is not None
    assert [(kind, status) for _seq, _attempt, kind, status in log_of(job.pk)[-2:]] == [
        ("metrics", ""),
        ("status", "done"),
    ]
    ended = Attempt.objects.get(job=job)
    assert ended.outcome == "done"
    assert ended.ended_at is not None
    with pytest.raises(Fenced):
        append(job.pk, attempt, [], to=Status.DONE)


def test_a_failure_has_its_class_and_a_bounded_message(running: Claim) -> None:
    job, attempt = running
    append(job.pk, attempt, [], to=Status.FAILED, failure=Failure.NAN_LOSS, error="x" * 9000)
    job.refresh_from_db()
    assert (job.status, job.failure, len(job.error)) == ("failed", "nan_loss", MAX_ERROR_CHARACTERS)
    told = events_after(job.pk)[0][-1].data
    assert (told["status"], told["failure"], told["reason"]) == ("failed", "nan_loss", "nan_loss")
    assert told["message"] == job.error


def test_a_transition_that_the_table_does_not_know_changes_nothing(make_job: Any) -> None:
    job = make_job()
    got = claim("w")
    assert got is not None
    for to in (Status.DONE, Status.QUEUED, Status.FAILED):
        # Failing needs a class; done needs a start; only a loss or a pause puts a job back into the line.
        with pytest.raises(Conflict, match="cannot become"):
            append(job.pk, 1, [], to=to)
    assert len(log_of(job.pk)) == 2


def test_entering_the_state_that_it_is_in_changes_nothing(running: Claim) -> None:
    reply = append(running.job.pk, running.attempt, [], to=Status.RUNNING)
    assert reply.last_seq == running.job.last_seq


def test_the_reply_carries_the_wish_and_a_pause_that_was_taken_back_queues_again(running: Claim) -> None:
    job, attempt = running
    request(job, "pause")
    assert append(job.pk, attempt, []).desired is Desired.PAUSE
    append(job.pk, attempt, [], to=Status.PAUSING)
    request(job, "resume")
    assert append(job.pk, attempt, [], to=Status.PAUSED).status is Status.QUEUED
    assert claim("w2") is not None
    assert check(job) == []
