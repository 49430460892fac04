"""A worker that is frozen past its lease and thawed when another one has taken over: the zombie writes nothing."""

import time

import pytest

from playground.domain.job import Loss
from playground.ledger.models import Attempt, Event
from tests.faults.conftest import MIDDLE, Curve, Runs
from tests.faults.stack import Stack, reach, training_again, wait_for


@pytest.mark.parametrize("child", ["is frozen with it", "goes on alone"])
def test_a_worker_frozen_past_its_lease_and_thawed(stack: Stack, runs: Runs, undisturbed: Curve, child: str) -> None:
    zombie = stack.worker()
    job = runs.begin()
    reach(job, MIDDLE)
    engines = stack.engines()
    frozen = [zombie, *engines] if child == "is frozen with it" else [zombie]
    for process in frozen:
        process.suspend()
    begun = time.monotonic()
    other = stack.second_worker()
    training_again(job, 1)
    print(f"\nfrozen to the next new training step, the lease of 15 s included: {time.monotonic() - begun:.2f} s")
    for process in frozen:
        process.resume()
    wait_for(lambda: not any(engine.is_running() for engine in engines), 30)
    assert runs.end(job) == undisturbed
    first, second = Attempt.objects.filter(job=job).order_by("number")
    assert (first.outcome, second.outcome) == (Loss.WORKER_LOST, "done")
    assert first.worker != second.worker
    taken = Event.objects.filter(job=job, attempt=2).order_by("seq").values_list("seq", flat=True)[0]
    assert not Event.objects.filter(job=job, attempt=1, seq__gt=taken).exists()
    other.terminate()
    other.wait(20)
    # The thawed worker is as good as new.
    assert stack.worker() == zombie
    again = runs.begin()
    reach(again, 1)
    stack.api("POST", f"jobs/{again}/stop")
