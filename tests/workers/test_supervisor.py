"""A supervisor with a real child, a real database file and every way in which an attempt can end."""

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from playground.domain.job import Desired, Failure, Loss, Status
from playground.ledger import controls
from playground.ledger.append import Reply, append
from playground.ledger.models import Attempt, Event, Job
from playground.ledger.reap import reap
from tests.workers.conftest import HASTE, Bench, wait_for
from tests.workers.honest_engine import loss
from workers import hold
from workers.order import Station


def running(bench: Bench, job: Job, step: int) -> None:
    """Wait until the job has stored a step."""
    wait_for(lambda: Job.objects.filter(pk=job.pk, step__gte=step).exists(), 30)


def test_a_run_is_carried_to_its_end(bench: Bench, home: Path) -> None:
    job = bench.queue(steps=40)
    bench.attempt()
    done = bench.verify(job, Status.DONE, steps=40)
    assert done.steps == done.step == 40
    assert done.model is not None
    assert done.model.name == "count"
    assert done.model.owner == bench.owner
    assert done.model.origin["inputs"]["corpus"]["sha256"] == bench.corpus.sha256
    artifact = Event.objects.get(job=job, type="artifact")
    assert artifact.data == {"kind": "model", "id": str(done.model.pk), "name": "count"}
    left = [path.name for path in (home / "jobs" / str(job.pk)).iterdir()]
    assert left == ["checkpoint.json"]  # the honest engine's state; what it handed over is in the library alone


def test_steps_are_stored_as_they_come_and_several_at_a_time(bench: Bench) -> None:
    job = bench.queue(steps=100, pause=0.002)
    bench.attempt()
    bench.verify(job, Status.DONE, steps=100)
    metrics = list(Event.objects.filter(job=job, type="metrics").order_by("seq"))
    assert 2 <= len(metrics) <= 50
    values = [value for event in metrics for value in event.data["loss"]]
    assert values == [loss(step) for step in range(1, 101)]


@pytest.mark.parametrize("then", ["segv", "kill", "abort", "exit", "raise", "flood"])
def test_a_crash_is_counted_and_the_next_attempt_goes_on_from_the_checkpoint(bench: Bench, then: str) -> None:
    job = bench.queue(steps=30, at=17, then=then, times=1)
    bench.attempt()
    bench.verify(job, Status.QUEUED)
    assert job.lost == 1
    bench.attempt()
    bench.verify(job, Status.DONE, steps=30)
    assert [attempt.outcome for attempt in Attempt.objects.filter(job=job)] == [Loss.WORKER_LOST, Status.DONE]


def test_the_way_in_which_a_child_died_is_said(bench: Bench) -> None:
    job = bench.queue(steps=30, at=3, then="segv")
    bench.attempt()
    said = Event.objects.filter(job=job, type="status").order_by("seq").last()
    assert said is not None
    assert "SIGSEGV" in said.data["message"]


def test_three_crashes_are_poison(bench: Bench) -> None:
    job = bench.queue(steps=30, at=8, then="kill")
    for _ in range(3):
        Job.objects.filter(pk=job.pk).update(not_before=job.created_at)  # the backoff is the ledger's matter
        bench.attempt()
    failed = bench.verify(job, Status.FAILED)
    assert failed.failure == Failure.POISON
    assert failed.attempt == 3
    assert bench.steps(job) == list(range(1, 8))


def test_the_next_run_starts_at_once_after_a_crash(bench: Bench) -> None:
    bad, good = bench.queue(steps=30, at=2, then="segv"), bench.queue(steps=5)
    bench.attempt()
    crashed = time.monotonic()
    bench.attempt()
    print(f"crash to the end of the next run: {time.monotonic() - crashed:.2f} s")
    bench.verify(good, Status.DONE, steps=5)
    bench.verify(bad, Status.QUEUED)


def test_memory_is_bounded_and_running_out_of_it_is_not_tried_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.workers.conftest.STATION", Station(devices=("cpu",), threads=1, memory=256 << 20))
    monkeypatch.setattr("workers.supervisor.SLACK", 0)
    job = bench.queue(steps=30, at=2, then="bomb")
    bench.attempt()
    assert bench.verify(job, Status.FAILED).failure == Failure.OUT_OF_MEMORY


def test_a_full_disk_is_waited_for(bench: Bench) -> None:
    job = bench.queue(steps=10, at=6, then="disk_full", times=1)
    bench.attempt()
    queued = bench.verify(job, Status.QUEUED)
    assert queued.reason == Loss.DISK_FULL
    assert queued.lost == 0
    Job.objects.filter(pk=job.pk).update(not_before=job.created_at)
    bench.attempt()
    bench.verify(job, Status.DONE, steps=10)


def test_stop_leaves_a_model(bench: Bench) -> None:
    job = bench.queue(steps=10_000)
    thread = bench.start()
    running(bench, job, 5)
    controls.request(job, "stop")
    thread.join(20)
    stopped = bench.verify(job, Status.STOPPED)
    assert stopped.model is not None


def test_pause_and_resume(bench: Bench) -> None:
    job = bench.queue(steps=60, pause=0.03)
    thread = bench.start()
    running(bench, job, 5)
    controls.request(job, "pause")
    thread.join(20)
    bench.verify(job, Status.PAUSED)
    job.refresh_from_db()
    controls.request(job, "resume")
    bench.attempt()
    bench.verify(job, Status.DONE, steps=60)
    states = [event.data["status"] for event in Event.objects.filter(job=job, type="status").order_by("seq")]
    assert states[2:6] == ["running", "pausing", "paused", "queued"]


def test_a_leaving_worker_gives_its_run_back_at_no_cost(bench: Bench) -> None:
    job = bench.queue(steps=60, pause=0.03)
    thread = bench.start()
    running(bench, job, 5)
    bench.leaving.set()
    thread.join(20)
    queued = bench.verify(job, Status.QUEUED)
    assert queued.lost == 0
    assert queued.reason == Loss.PREEMPTED
    bench.leaving.clear()
    bench.attempt()
    bench.verify(job, Status.DONE, steps=60)


def test_a_deaf_child_is_ended_when_it_should_stop(bench: Bench) -> None:
    job = bench.queue(steps=30, at=6, then="deaf")
    thread = bench.start()
    running(bench, job, 5)
    controls.request(job, "stop")
    thread.join(20)
    bench.verify(job, Status.STOPPED)


def test_a_hung_child_is_found_though_its_supervisor_is_well(bench: Bench) -> None:
    job = bench.queue(steps=30, at=12, then="hang")
    bench.attempt(replace(HASTE, step=1.5))
    failed = bench.verify(job, Status.FAILED)
    assert failed.failure == Failure.HUNG
    assert "no progress" in failed.error


@pytest.mark.parametrize("then", ["gibberish", "escape"])
def test_what_a_child_may_not_say_ends_the_run(bench: Bench, then: str) -> None:
    job = bench.queue(steps=30, at=6, then=then)
    bench.attempt()
    assert bench.verify(job, Status.FAILED).failure == Failure.INTERNAL


def test_a_deleted_corpus_is_said(bench: Bench) -> None:
    job = bench.queue(steps=5)
    job.job_inputs.update(artifact=None)
    bench.attempt()
    failed = bench.verify(job, Status.FAILED)
    assert failed.failure == Failure.BAD_INPUT
    assert "plays" in failed.error


def test_whose_lease_was_taken_away_kills_its_child_and_writes_no_more(bench: Bench) -> None:
    job = bench.queue(steps=10_000)
    thread = bench.start()
    running(bench, job, 5)
    Job.objects.filter(pk=job.pk).update(lease_until=job.created_at)
    wait_for(reap, 10)
    thread.join(20)
    assert not thread.is_alive()
    queued = bench.verify(job, Status.QUEUED)
    last = Event.objects.filter(job=job).order_by("seq").values_list("data", flat=True).last()
    assert last is not None
    assert last["status"] == "queued"
    assert queued.lost == 1


def test_the_run_goes_on_while_the_database_is_away(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    job = bench.queue(steps=80, pause=0.02)
    away = threading.Event()
    genuine = append

    def moody(*args: Any, **named: Any) -> Reply:
        if away.is_set():
            raise OperationalError("the database system is starting up")
        return genuine(*args, **named)

    monkeypatch.setattr(hold, "append", moody)
    thread = bench.start()
    running(bench, job, 3)
    away.set()
    before = len(bench.steps(job))
    time.sleep(1.0)
    assert len(bench.steps(job)) <= before + 10
    away.clear()
    thread.join(30)
    bench.verify(job, Status.DONE, steps=80)
    assert job.attempt == 1


def test_a_child_that_speaks_faster_than_the_database_takes_it_is_slowed_down(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.outbox.CAPACITY", 20)
    genuine, tries = append, []

    def slow(*args: Any, **named: Any) -> Reply:
        tries.append(1)
        if len(tries) in (3, 4):
            raise OperationalError("database is locked")
        return genuine(*args, **named)

    monkeypatch.setattr(hold, "append", slow)
    job = bench.queue(steps=300, pause=0.001)
    bench.attempt()
    bench.verify(job, Status.DONE, steps=300)


def test_desired_is_learned_without_anything_to_say(bench: Bench) -> None:
    job = bench.queue(steps=10, at=4, then="hang")
    thread = bench.start()
    running(bench, job, 3)
    Job.objects.filter(pk=job.pk).update(desired=Desired.STOP)
    thread.join(20)
    bench.verify(job, Status.STOPPED)


def test_an_ended_child_leaves_nothing_behind(bench: Bench) -> None:
    def run_one() -> tuple[int, int]:
        bench.queue(steps=3)
        bench.attempt()
        return len(pipes()), threading.active_count()

    open_first, threads_first = run_one()
    open_last, threads_last = [run_one() for _ in range(4)][-1]
    assert open_last <= open_first + 1
    assert threads_last <= threads_first + 1


def pipes() -> list[str]:
    """The pipes and sockets that this process has open."""
    opened = (str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink())
    return [name for name in opened if name.startswith(("pipe:", "socket:"))]
