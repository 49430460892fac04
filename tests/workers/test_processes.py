"""Whole worker processes, as `python -m workers` starts them, with the honest engine in their children."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import redis

from playground.domain.job import Loss, Status
from playground.ledger.doorbell import TASK
from playground.ledger.models import Attempt, Event, Job, Worker
from playground.ledger.queue import why
from tests.workers.conftest import HONEST, ROOT, Bench, Broker, wait_for
from workers.app import REQUEST, app
from workers.host import cores, memory_available

PROGRAM = """
import os, signal, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "playground.settings"
import django
django.setup()
from workers import hearing, nursery, serve, speed
signal.signal(signal.SIGUSR1, lambda *_: hearing.restart_listener())
nursery.set_preload([{engine!r}])
speed.QUIET = 3600.0
sys.exit(serve.{queue}({engine!r}))
"""
Process = subprocess.Popen[bytes]
Start = Callable[..., Process]


@pytest.fixture
def start(home: Path, broker: Broker) -> Iterator[Start]:
    """Start worker processes on the test's home; whatever is left of them at the end is killed."""
    started: list[Process] = []

    def begin(queue: str = "train", engine: str = HONEST) -> Process:
        environment = {**os.environ, "VITRINE_HOME": str(home), "REDIS_URL": broker.url, "DATABASE_URL": ""}
        command = [sys.executable, "-c", PROGRAM.format(queue=queue, engine=engine)]
        started.append(subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True))
        return started[-1]

    yield begin
    for process in started:
        with process:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def reach(job: Job, step: int) -> None:
    """Wait until the job has stored a step."""
    wait_for(lambda: Job.objects.filter(pk=job.pk, step__gte=step).exists(), 60)


def end(job: Job, status: Status = Status.DONE) -> None:
    """Wait until the job is in a state."""
    wait_for(lambda: Job.objects.filter(pk=job.pk, status=status).exists(), 60)


def test_a_worker_signs_on_and_runs_what_it_hears_of(start: Start, bench: Bench) -> None:
    process = start()
    worker = wait_for(lambda: Worker.objects.filter(queue="train").first(), 60)
    assert (worker.pid, worker.slots) == (process.pid, 1)
    assert worker.memory > 0
    job = bench.queue(steps=30)
    end(job)
    bench.verify(job, Status.DONE, steps=30)


def test_terminate_means_save_and_leave(start: Start, bench: Bench) -> None:
    process = start()
    job = bench.queue(steps=500, pause=0.02)
    reach(job, 5)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0
    queued = bench.verify(job, Status.QUEUED)
    assert (queued.reason, queued.lost) == (Loss.PREEMPTED, 0)
    assert not Worker.objects.exists()


def test_a_deaf_child_does_not_keep_a_leaving_worker(start: Start, bench: Bench) -> None:
    process = start()
    job = bench.queue(steps=500, at=8, then="deaf")
    reach(job, 7)
    wait_for(lambda: Event.objects.filter(job=job, type="log").exists(), 20)
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=10)
    wait_for(lambda: not psutil.pid_exists(process.pid), 5)
    job.refresh_from_db()
    assert job.status != Status.DONE


def test_the_next_worker_on_the_machine_takes_over_without_waiting_for_the_lease(start: Start, bench: Bench) -> None:
    job = bench.queue(steps=150, pause=0.02)
    first = start()
    reach(job, 20)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    job.refresh_from_db()
    seen = job.step
    killed = time.monotonic()
    start()
    reach(job, seen + 1)
    print(f"kill to the next new step, process start included: {time.monotonic() - killed:.2f} s")
    end(job)
    bench.verify(job, Status.DONE, steps=150)
    assert [attempt.outcome for attempt in Attempt.objects.filter(job=job)] == [Loss.WORKER_LOST, Status.DONE]


def test_redis_may_vanish_and_come_back_empty(start: Start, bench: Bench, broker: Broker) -> None:
    process = start()
    running = bench.queue(steps=200, pause=0.02)
    reach(running, 10)
    broker.kill()
    waiting = bench.queue(steps=5)  # nobody hears this bell
    time.sleep(1.0)
    broker.start()
    end(running)
    end(waiting)
    bench.verify(running, Status.DONE, steps=200)
    assert Attempt.objects.filter(job=running).count() == 1
    assert process.poll() is None
    later = bench.queue(steps=5)
    end(later)


def test_without_redis_runs_start_all_the_same(start: Start, bench: Bench, broker: Broker) -> None:
    broker.kill()
    start()
    job = bench.queue(steps=10)
    end(job)
    bench.verify(job, Status.DONE, steps=10)


def test_bells_are_only_bells(start: Start, bench: Bench, broker: Broker) -> None:
    start()
    job = bench.queue(steps=100, pause=0.01)
    reach(job, 1)
    with app.connection_for_write(broker.url.replace("unix://", "redis+socket://")) as connection:
        for _ in range(50):
            app.send_task(TASK, args=[str(job.pk)], queue="train", connection=connection)
    end(job)
    bench.verify(job, Status.DONE, steps=100)
    assert Attempt.objects.filter(job=job).count() == 1


def test_the_inspect_worker_answers_over_celery_and_leaves(start: Start, broker: Broker) -> None:
    process = start("inspect", "tests.workers.honest_inspector")
    wait_for(lambda: Worker.objects.filter(queue="inspect").exists(), 60)
    body = {"verb": "generate", "model": None, "params": {"frames": 2}}
    with app.connection_for_write(broker.url.replace("unix://", "redis+socket://")) as connection:
        app.send_task(REQUEST, args=["abc", body], queue="inspect", connection=connection)
    with redis.Redis.from_url(broker.url) as client:
        assert client.blpop(["vitrine:reply:abc"], timeout=30) is not None
        wait_for(lambda: client.llen("vitrine:reply:abc") == 2, 20)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0


@pytest.mark.parametrize("trouble", ["cut", "restart", "ended"])
def test_the_listener_hears_again_after_trouble_with_redis(start: Start, broker: Broker, trouble: str) -> None:
    process = start("inspect", "tests.workers.honest_inspector")
    wait_for(lambda: Worker.objects.filter(queue="inspect").exists(), 60)
    assert asked(broker, "before")
    match trouble:
        case "cut":
            with redis.Redis.from_url(broker.url) as client:
                client.client_kill_filter(_type="normal", skipme=True)
        case "restart":
            broker.kill()
            broker.start()
        case "ended":
            process.send_signal(signal.SIGUSR1)
    assert asked(broker, "after")
    assert process.poll() is None


def asked(broker: Broker, request: str) -> bool:
    """Whether a request is answered."""
    body = {"verb": "generate", "model": None, "params": {"frames": 1}}
    with app.connection_for_write(broker.url.replace("unix://", "redis+socket://")) as connection:
        app.send_task(REQUEST, args=[request, body], queue="inspect", connection=connection)
    with redis.Redis.from_url(broker.url) as client:
        return client.blpop([f"vitrine:reply:{request}"], timeout=40) is not None


def test_two_slots_run_two_jobs_at_a_time(start: Start, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_SLOTS", "2")
    start()
    first, second = bench.queue(steps=150, pause=0.02), bench.queue(steps=150, pause=0.02)
    wait_for(lambda: Job.objects.filter(status=Status.RUNNING).count() == 2, 60)
    for job in (first, second):
        end(job)
        bench.verify(job, Status.DONE, steps=150)
    assert {worker.slots for worker in Worker.objects.all()} == {2}
    threads = {attempt.environment["threads"] for attempt in Attempt.objects.all()}
    assert threads == {max(1, cores() // 2)}, "two runs divide the cores, and their receipts say so"


def test_a_run_that_finds_no_room_waits_and_then_runs(
    start: Start, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VITRINE_SLOTS", "2")
    half = memory_available() // 2
    first, large = bench.queue(steps=500, pause=0.02, memory=half), bench.queue(steps=10, memory=half)
    small = bench.queue(steps=10, memory=1 << 20)
    start()
    end(small)
    first.refresh_from_db()
    large.refresh_from_db()
    assert (first.status, large.status) == (Status.RUNNING, Status.QUEUED)
    reason = wait_for(lambda: found if (found := why(large)) and found.code == "memory" else None, 20)
    assert f"{half / 2**30:.1f} GiB" in reason.message
    (device,) = Worker.objects.get().devices
    assert (device["name"], device["places"], device["runs"]) == ("cpu", 2, 1)
    end(first)
    end(large)
    for job, steps in ((first, 500), (large, 10), (small, 10)):
        bench.verify(job, Status.DONE, steps=steps)


def test_a_killed_child_leaves_the_other_run_alone(start: Start, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_SLOTS", "2")
    start()
    killed = bench.queue(steps=60, pause=0.02, at=30, then="kill", times=1)
    other = bench.queue(steps=150, pause=0.02)
    for job, steps in ((killed, 60), (other, 150)):
        end(job)
        bench.verify(job, Status.DONE, steps=steps)
    assert [attempt.outcome for attempt in Attempt.objects.filter(job=killed)] == [Loss.WORKER_LOST, Status.DONE]
    assert [attempt.outcome for attempt in Attempt.objects.filter(job=other)] == [Status.DONE]
