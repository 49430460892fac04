"""The pure machine: random lives, and the decisions that have a reason of their own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import settings

from playground.domain.job import Desired, Failure, Loss, Status
from playground.domain.machine import Append, Ask, Claim, Reap, Release, State, Tick, after_loss, landing, step
from playground.domain.machine import Event as MachineEvent
from tests.support.job_life import JobLife

TestJobLife = JobLife.TestCase
TestJobLife.settings = settings(max_examples=300, stateful_step_count=60, deadline=None)


def live(*events: MachineEvent) -> State:
    state = State()
    for event in events:
        state = step(state, event)
    return state


RUNNING = (Claim(0), Append(1, 0, Status.RUNNING))


def test_a_quiet_life() -> None:
    state = live(*RUNNING, Append(1, 3), Append(1, 1, Status.DONE))
    assert [entry.status for entry in state.log if entry.status] == ["queued", "starting", "running", "done"]
    assert len(state.log) == 8


def test_a_zombie_thawed_after_its_lease_was_reaped_is_refused() -> None:
    state = live(*RUNNING, Tick(16), Reap(1), Tick(2), Claim(1))
    assert state.attempt == 2
    assert step(state, Append(1, 5)) is state
    assert step(state, Append(1, 1, Status.DONE)) is state
    assert step(state, Release(1, Loss.PREEMPTED)) is state


def test_a_late_worker_that_nobody_reaped_goes_on() -> None:
    assert live(*RUNNING, Tick(60), Append(1, 1)).status is Status.RUNNING


def test_a_lease_that_has_not_run_out_is_not_reaped() -> None:
    state = live(*RUNNING, Tick(14))
    assert step(state, Reap(1)) is state


def test_the_third_counted_loss_is_poison() -> None:
    state = live(
        Claim(0), Release(1, Loss.WORKER_LOST), Tick(2),
        Claim(1), Release(2, Loss.WORKER_LOST), Tick(5),
        Claim(2), Release(3, Loss.WORKER_LOST),
    )  # fmt: skip
    assert (state.status, state.failure, state.attempt) == (Status.FAILED, Failure.POISON, 3)


def test_preemption_and_a_full_disk_are_never_counted() -> None:
    state = State()
    for attempt in range(20):
        state = step(step(state, Claim(attempt)), Release(attempt + 1, Loss.PREEMPTED))
        state = step(state, Tick(6))
    assert (state.status, state.lost) == (Status.QUEUED, 0)


def test_a_lost_job_waits_before_it_is_claimed_again() -> None:
    state = live(Claim(0), Release(1, Loss.WORKER_LOST))
    assert step(state, Claim(1)) is state
    assert step(step(state, Tick(1)), Claim(1)).status is Status.STARTING


@pytest.mark.parametrize(
    ("wish", "status"), [("stop", Status.STOPPED), ("pause", Status.PAUSED), ("resume", Status.QUEUED)]
)
def test_the_reaper_grants_the_wish_that_a_lost_worker_cannot(wish: str, status: Status) -> None:
    asked = Ask("stop" if wish == "stop" else "pause" if wish == "pause" else "resume")
    assert live(*RUNNING, asked, Tick(16), Reap(1)).status is status


def test_a_waiting_job_obeys_at_once() -> None:
    assert live(Ask("stop")).status is Status.STOPPED
    paused = live(Ask("pause"))
    assert paused.status is Status.PAUSED
    assert step(paused, Claim(0)) is paused
    assert step(paused, Ask("resume")).status is Status.QUEUED


def test_a_stop_cannot_be_taken_back() -> None:
    state = live(*RUNNING, Ask("stop"))
    assert step(state, Ask("resume")) is state
    assert step(state, Ask("pause")) is state


def test_a_job_resumed_while_it_was_pausing_is_queued_again() -> None:
    state = live(*RUNNING, Ask("pause"), Append(1, 0, Status.PAUSING), Ask("resume"), Append(1, 1, Status.PAUSED))
    assert (state.status, state.desired) == (Status.QUEUED, Desired.RUN)
    assert landing(Status.PAUSING, Status.PAUSED, Desired.STOP) == (Status.STOPPED, "stop")


def test_an_attempt_cannot_put_itself_back_into_the_line_nor_fail_without_a_class() -> None:
    state = live(*RUNNING)
    for report in (Append(1, 0, Status.QUEUED), Append(1, 0, Status.STARTING), Append(1, 0, Status.FAILED)):
        assert step(state, report) is state


def test_a_job_that_is_only_starting_cannot_be_done() -> None:
    state = live(Claim(0))
    assert step(state, Append(1, 1, Status.DONE)) is state


def test_a_stop_wins_over_poison_and_poison_over_a_pause() -> None:
    assert after_loss(Desired.STOP, 2, Loss.WORKER_LOST).status is Status.STOPPED
    assert after_loss(Desired.PAUSE, 2, Loss.WORKER_LOST).failure is Failure.POISON
    assert after_loss(Desired.RUN, 0, Loss.DISK_FULL).delay == timedelta(seconds=5)
