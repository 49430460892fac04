"""The table of states: closed, reachable, and with ends that are ends."""

from __future__ import annotations

from datetime import timedelta

from playground.domain.job import ACTIVE, HEARTBEAT, LEASE, TERMINAL, TRANSITIONS, Status, backoff


def test_every_state_is_in_the_table_and_can_be_reached() -> None:
    assert set(TRANSITIONS) == set(Status)
    reached, frontier = {Status.QUEUED}, {Status.QUEUED}
    while frontier:
        frontier = {after for before in frontier for after in TRANSITIONS[before]} - reached
        reached |= frontier
    assert reached == set(Status)


def test_nothing_follows_an_end_and_every_other_state_can_be_stopped() -> None:
    for status in Status:
        assert (not TRANSITIONS[status]) == (status in TERMINAL)
        assert status in TERMINAL or Status.STOPPED in TRANSITIONS[status]


def test_only_an_attempt_that_runs_can_be_done() -> None:
    before = {status for status, after in TRANSITIONS.items() if Status.DONE in after}
    assert before == ACTIVE - {Status.STARTING}


def test_backoff_grows_from_a_second_to_a_minute() -> None:
    assert [backoff(lost) for lost in (1, 2, 3)] == [timedelta(seconds=s) for s in (1, 4, 16)]
    assert backoff(100) == timedelta(minutes=1)


def test_a_lease_outlives_several_missed_heartbeats() -> None:
    assert LEASE >= 4 * HEARTBEAT
