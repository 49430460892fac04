"""What a running run is asked to do now reaches its child once, across a busy and a silent stretch."""

from playground.domain.job import Status
from playground.ledger import controls
from playground.ledger.asks import ask
from playground.ledger.models import Event, Job
from tests.workers.conftest import Bench, wait_for


def heard(job: Job) -> list[str]:
    """What the honest engine says that it was asked."""
    rows = Event.objects.filter(job=job, type="log").order_by("seq").values_list("data", flat=True)
    return [data["message"] for data in rows]


def test_each_ask_is_heard_once(bench: Bench) -> None:
    job = bench.queue(steps=100_000, pause=0.02)
    thread = bench.start()
    wait_for(lambda: Job.objects.filter(pk=job.pk, step__gte=3).exists(), 30)
    ask(job, "sample", "Once")
    ask(job, "evaluate")
    wait_for(lambda: len(heard(job)) == 2, 30)
    ask(job, "evaluate")
    wait_for(lambda: len(heard(job)) == 3, 30)
    reached = Job.objects.get(pk=job.pk).step
    wait_for(lambda: Job.objects.filter(pk=job.pk, step__gte=reached + 10).exists(), 30)
    controls.request(job, "stop")
    thread.join(30)
    assert heard(job) == ["asked to sample Once", "asked to evaluate None", "asked to evaluate None"]
    bench.verify(job, Status.STOPPED)


def test_an_ask_is_heard_by_a_child_that_has_nothing_to_say(bench: Bench) -> None:
    job = bench.queue(steps=2, pause=2.0)
    thread = bench.start()
    wait_for(lambda: Job.objects.filter(pk=job.pk, step__gte=1).exists(), 30)
    ask(job, "probe")
    thread.join(30)
    assert heard(job) == ["asked to probe None"]
    bench.verify(job, Status.DONE, steps=2)
