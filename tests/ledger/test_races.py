"""Races between real processes and threads, on a real database file or PostgreSQL database."""

from __future__ import annotations

import pytest

from tests.ledger.arena import Arena

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Arena:
    """One database for the races of this module."""
    return Arena(tmp_path_factory.mktemp("arena"))


def test_eight_claimers_of_one_job_have_one_winner(arena: Arena) -> None:
    [job] = arena.ask("queue", owner="claims", jobs=1)
    got = arena.race("one_claim", job=job, seen=0)
    assert sorted(got, key=str) == [1, *[None] * 7]
    assert arena.ask("verify", job=job) == {"violations": [], "status": "starting", "attempt": 1, "logs": []}


def test_a_crowd_of_workers_runs_each_waiting_job_once(arena: Arena) -> None:
    jobs = arena.ask("queue", owner="one", jobs=12) + arena.ask("queue", owner="two", jobs=3)
    done = [job for worker in arena.race("clear") for job in worker]
    assert sorted(done) == sorted(jobs)
    for job in (jobs[0], jobs[-1]):
        assert arena.ask("verify", job=job) == {"violations": [], "status": "done", "attempt": 1, "logs": []}


def test_a_hundred_requests_with_one_key_make_one_job(arena: Arena) -> None:
    arena.ask("queue", owner="keys", jobs=0)
    got = [answer for racer in arena.race("same_request", owner="keys", times=13) for answer in racer]
    assert len(got) == 104
    same = [(found, created) for body, found, created in got if body == "body"]
    assert len({found for found, _created in same}) == 1
    assert sum(created for _found, created in same) == 1
    assert {found for body, found, _created in got if body == "other"} == {"idempotency_key_reused"}


def test_four_writers_of_one_attempt_share_its_numbers_and_an_expired_one_is_fenced(arena: Arena) -> None:
    [job] = arena.ask("queue", owner="writers", jobs=1)
    arena.ask("one_claim", job=job, seen=0)
    assert arena.race("write", threads=1, job=job, attempt=1, batches=20) == [[20, 0]] * 4
    assert arena.ask("lose", job=job, attempt=1) == 2
    assert arena.race("write", threads=1, job=job, attempt=1, batches=20) == [[0, 20]] * 4
    found = arena.ask("verify", job=job)
    assert found["violations"] == []
    assert found["logs"] == [1] * 400


def test_wishes_claims_and_losses_at_once_leave_one_end(arena: Arena) -> None:
    [job] = arena.ask("queue", owner="meddlers", jobs=1)
    arena.race("meddle", job=job, rounds=25)
    found = arena.ask("verify", job=job)
    assert (found["violations"], found["status"]) == ([], "stopped")
