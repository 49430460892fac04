"""Kill -9 in the middle of a run on two devices: of its first process, of the other, and of the worker."""

import os
import signal
from uuid import UUID

import psutil
import pytest

from playground.ledger.models import Attempt
from tests.faults.conftest import MIDDLE, Curve, Runs
from tests.faults.stack import Stack, reach, training_again, wait_for


@pytest.fixture(scope="module")
def pair(runs: Runs) -> Curve:
    """What the run gives on two devices when nothing happens to it."""
    return runs.end(runs.begin(devices=2))


@pytest.fixture
def struck(runs: Runs, pair: Curve) -> UUID:
    """A run in its middle."""
    job = runs.begin(devices=2)
    reach(job, MIDDLE)
    return job


def crew(stack: Stack) -> tuple[psutil.Process, psutil.Process]:
    """The first process of the run, and the other."""
    pairs = [(first, other) for first in stack.engines() for other in first.children()]
    ((first, other),) = [(first, other) for first, other in pairs if os.getpgid(other.pid) == first.pid]
    return first, other


@pytest.mark.parametrize("victim", ["first", "other", "worker"])
def test_of_two_processes(stack: Stack, runs: Runs, pair: Curve, struck: UUID, victim: str) -> None:
    first, other = crew(stack)
    match victim:
        case "first":
            first.kill()
        case "other":
            other.kill()
        case _:
            os.killpg(stack.worker().pid, signal.SIGKILL)
    wait_for(lambda: not first.is_running() and not other.is_running(), 20)
    training_again(struck, 1)
    assert runs.end(struck) == pair
    assert list(Attempt.objects.filter(job=struck).values_list("outcome", flat=True)) == ["worker_lost", "done"]
    assert [
        attempt["environment"]["devices"] for attempt in stack.api("GET", f"jobs/{struck}/receipt")["attempts"]
    ] == [2, 2]
