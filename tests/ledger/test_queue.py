"""Why a job does not run, and which workers there are."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F
from django.utils import translation
from pytest_django import DjangoAssertNumQueries

from playground.domain.job import Loss, Status
from playground.ledger.append import append
from playground.ledger.claim import claim
from playground.ledger.controls import request
from playground.ledger.models import Job, Worker
from playground.ledger.presence import alive, announce, farewell, is_alive
from playground.ledger.queue import in_use, reasons, why
from playground.ledger.reap import release
from playground.library.models import Artifact
from tests.ledger.conftest import MakeJob, pass_time


def code(job: Job) -> str | None:
    job.refresh_from_db()
    reason = why(job)
    return reason.code if reason else None


def test_each_state_says_why_it_does_not_run(make_job: MakeJob) -> None:
    job = make_job()
    assert code(job) == "no_worker"
    announce("w", "train", device="cpu")
    assert code(job) == "position"
    request(job, "pause")
    assert code(job) == "paused"
    request(job, "resume")
    assert claim("w") is not None
    assert code(job) == "starting"
    append(job.pk, 1, [], to=Status.RUNNING)
    assert code(job) is None
    request(job, "pause")
    assert code(job) == "pausing"
    request(job, "stop")
    assert code(job) == "stopping"
    append(job.pk, 1, [], to=Status.STOPPED)
    assert code(job) is None


def test_what_finds_no_room_says_what_it_lacks(make_job: MakeJob) -> None:
    device = {"name": "cuda:0", "memory": 8 << 30, "free": 2 << 30, "places": 4, "runs": 1}
    small, large, pair = make_job(memory=1 << 30), make_job(memory=5 << 30), make_job(devices=2)
    announce("w", "train", devices=[device])
    reason = why(large)
    assert reason is not None
    assert (code(small), reason.code, code(pair)) == ("position", "memory", "devices")
    assert reason.message == "Needs 5.0 GiB of memory; beside the runs that are under way, 2.0 GiB are left."
    announce("w", "train", devices=[device | {"runs": 4}])
    assert code(large) == "position", "no place is free: it waits for its turn as any other"
    announce("w", "train", devices=[device | {"runs": 0, "free": 1}])
    assert code(large) == "position", "a device that is idle takes it"
    announce("v", "train", devices=[device, device | {"name": "cuda:1"}])
    assert code(pair) == "position"
    announce("w", "train", devices=[device | {"name": "cpu"}])
    farewell("v")
    assert code(pair) == "position", "processes share a CPU"


def test_a_lost_job_says_how_long_it_waits_and_a_full_disk_is_named(make_job: MakeJob) -> None:
    announce("w", "train")
    job = make_job()
    assert claim("w") is not None
    release(job.pk, 1, Loss.WORKER_LOST)
    job.refresh_from_db()
    assert why(job) == ("backoff", "The worker was lost. Trying again in 1 second.")
    pass_time(2)
    assert code(job) == "position"
    assert claim("w") is not None
    release(job.pk, 2, Loss.DISK_FULL)
    assert code(job) == "disk"


def test_places_in_line_are_told_with_a_fixed_number_of_queries(
    make_job: MakeJob, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    announce("w", "train")
    jobs = [make_job() for _ in range(4)]
    for age, job in enumerate(reversed(jobs)):
        Job.objects.filter(pk=job.pk).update(created_at=F("created_at") - timedelta(seconds=age))
    with django_assert_num_queries(4):
        said = reasons(jobs)
    assert [said[job.pk] for job in jobs] == [
        ("position", "Next in line."),
        *[("position", f"Number {n} in line.") for n in (2, 3, 4)],
    ]
    with translation.override("zh-hans"):
        assert why(jobs[1]) == ("position", "排在第 2 位。")


def test_a_worker_is_alive_for_a_while_after_it_was_seen(db: None) -> None:
    announce("w1", "train", device="cpu", threads=2, memory=1 << 30, speed=[{"parameters": 1}])
    announce("w1", "train", device="cuda:0")
    announce("w2", "inspect")
    assert [(worker.name, worker.device) for worker in alive("train")] == [("w1", "cuda:0")]
    assert [worker.name for worker in alive()] == ["w1", "w2"]
    Worker.objects.filter(name="w1").update(seen_at=F("seen_at") - timedelta(seconds=20))
    assert not is_alive("train")
    Worker.objects.filter(name="w1").update(seen_at=F("seen_at") - timedelta(days=2))
    announce("w2", "inspect")
    assert list(Worker.objects.values_list("name", flat=True)) == ["w2"]
    farewell("w2")
    assert not is_alive("inspect")


def test_an_artifact_is_in_use_until_the_jobs_that_read_it_have_ended(make_job: MakeJob, corpus: Artifact) -> None:
    first, second = make_job(), make_job()
    assert in_use([corpus.pk]) == {corpus.pk: 2}
    request(first, "stop")
    assert in_use([corpus.pk]) == {corpus.pk: 1}
    request(second, "stop")
    assert in_use([corpus.pk]) == {}
