"""Kill -9, in the middle of a run: each part by itself, and all of them at once."""

import os
import signal
import time
from uuid import UUID

import pytest

from playground.ledger.models import Attempt
from tests.faults.conftest import MIDDLE, Curve, Runs
from tests.faults.stack import Stack, reach, training_again, training_on, wait_for


@pytest.fixture
def struck(runs: Runs, undisturbed: Curve) -> UUID:
    """A run in its middle."""
    job = runs.begin()
    reach(job, MIDDLE)
    return job


def outcomes(job: UUID) -> list[str]:
    """How the attempts ended."""
    return list(Attempt.objects.filter(job=job).order_by("number").values_list("outcome", flat=True))


def report(what: str, killed: float) -> None:
    """Print a figure; the product's goal is 15 s, on a machine that has nothing else to do."""
    print(f"\nkill -9 of {what} to the next new training step: {time.monotonic() - killed:.2f} s")


def test_the_engine_child(stack: Stack, runs: Runs, undisturbed: Curve, struck: UUID) -> None:
    engines = stack.engines()
    assert engines
    killed = time.monotonic()
    for engine in engines:
        engine.kill()
    training_again(struck, 1)
    report("the engine child", killed)
    assert runs.end(struck) == undisturbed
    assert outcomes(struck) == ["worker_lost", "done"]


def test_the_train_worker_with_its_group(stack: Stack, runs: Runs, undisturbed: Curve, struck: UUID) -> None:
    engines = stack.engines()
    killed = time.monotonic()
    os.killpg(stack.worker().pid, signal.SIGKILL)
    wait_for(lambda: not any(engine.is_running() for engine in engines), 10)
    training_again(struck, 1)
    report("the train worker with its group", killed)
    assert runs.end(struck) == undisturbed
    assert outcomes(struck) == ["worker_lost", "done"]


def test_the_web_process(stack: Stack, runs: Runs, undisturbed: Curve, struck: UUID) -> None:
    web = stack.part("uvicorn")
    killed = time.monotonic()
    web.kill()
    training_on(struck)
    wait_for(lambda: not web.is_running() and stack.answers(), 60)
    print(f"\nkill -9 of the web process until the site answers again: {time.monotonic() - killed:.2f} s")
    assert runs.end(struck) == undisturbed
    assert outcomes(struck) == ["done"]
    page = stack.api("GET", f"jobs/{struck}/events?after=0&limit=500")
    assert [event["seq"] for event in page["events"]] == list(range(1, len(page["events"]) + 1))


def test_redis_restarted_empty(stack: Stack, runs: Runs, undisturbed: Curve, struck: UUID) -> None:
    redis = stack.part("redis-server")
    redis.kill()
    training_on(struck)
    assert runs.end(struck) == undisturbed
    assert outcomes(struck) == ["done"]
    wait_for(lambda: stack.part("redis-server").pid != redis.pid, 30)
    assert runs.end(runs.begin()) == undisturbed


def test_all_at_once(stack: Stack, runs: Runs, undisturbed: Curve, struck: UUID) -> None:
    assert stack.process is not None
    victims = [stack.worker(), stack.part("uvicorn"), stack.part("redis-server"), *stack.engines()]
    for victim in victims:
        victim.suspend()  # so that none sees another one die
    os.killpg(stack.process.pid, signal.SIGKILL)
    stack.process.wait()
    for victim in victims:
        if victim.is_running():
            victim.kill()
    killed = time.monotonic()
    stack.start()
    training_again(struck, 1)
    report("everything, the start of the whole installation included,", killed)
    assert runs.end(struck) == undisturbed
    assert outcomes(struck) == ["worker_lost", "done"]
