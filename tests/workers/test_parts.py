"""The small parts of a worker: outbox, watchdog, hold, endings, orders."""

import threading
from pathlib import Path

import pytest
from django.db.models.functions import Now
from django.utils.translation import override

from playground.domain.errors import BadInput, Fenced
from playground.domain.job import Status
from playground.domain.messages import Emit
from playground.ledger import controls
from playground.ledger.models import Event, Job
from playground.ledger.reap import POISON
from playground.web.catalogue import sentence
from tests.workers.conftest import HASTE, STATION, Bench, wait_for
from workers import host, outbox
from workers.endings import describe, kernel_kills, starved
from workers.hold import Hold
from workers.housekeeping import sweep
from workers.order import job_folder, order
from workers.outbox import Outbox
from workers.watchdog import Patience, Watchdog


def metrics(step: int, **values: float) -> Emit:
    """What a child says of a step."""
    return Emit(type="metrics", data={"step": step, **values})


def test_consecutive_metrics_of_the_same_names_become_one_event() -> None:
    box = Outbox()
    box.add(metrics(1, loss=3.0))
    box.add(metrics(2, loss=2.0))
    box.add(metrics(2, val_loss=2.5))
    box.add(Emit(type="log", data={"level": "info", "message": "half way"}))
    box.add(metrics(3, loss=1.0))
    assert [(event.type, event.data) for event in box.events()] == [
        ("metrics", {"step": [1, 2], "loss": [3.0, 2.0]}),
        ("metrics", {"step": [2], "val_loss": [2.5]}),
        ("log", {"level": "info", "message": "half way"}),
        ("metrics", {"step": [3], "loss": [1.0]}),
    ]
    assert len(box) == 5
    box.clear()
    assert (len(box), box.events()) == (0, [])


def test_an_event_is_never_long_and_the_spool_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "POINTS", 10)
    monkeypatch.setattr(outbox, "CAPACITY", 25)
    box = Outbox()
    for step in range(1, 26):
        assert not box.full
        box.add(metrics(step, loss=1.0))
    assert box.full
    assert [len(event.data["step"]) for event in box.events()] == [10, 10, 5]


def test_the_outbox_does_not_drop_repeated_steps() -> None:
    """Only the child and the ledger decide what is a repetition; a third place would hide the faults of both."""
    box = Outbox()
    box.add(metrics(5, loss=1.0))
    box.add(metrics(5, loss=1.0))
    assert box.events()[0].data["step"] == [5, 5]


def test_a_null_character_can_be_stored() -> None:
    box = Outbox()
    box.add(Emit(type="sample", data={"step": 1, "prompt": "", "text": "a\0b \\u0041"}))
    assert box.events()[0].data["text"] == "a\N{REPLACEMENT CHARACTER}b \\u0041"


def test_silence_is_measured_in_usual_steps_and_preparing_may_take_long() -> None:
    dog = Watchdog(Patience(prepare=1000, step=60, factor=20), now=0.0)
    assert not dog.hung(999.0)
    assert dog.hung(1001.0)
    for step in range(11):
        dog.stepped(1000.0 + step * 10)
    assert dog.limit == 200.0
    assert not dog.hung(1100.0 + 199)
    dog.sign(1100.0 + 150)
    assert not dog.hung(1100.0 + 349)
    assert dog.hung(1100.0 + 351)


def test_endings_in_words() -> None:
    assert "SIGSEGV" in describe(-11)
    assert "exit code 3" in describe(3)
    assert "signal 77" in describe(-77)
    assert "could not" in describe(None)


def test_only_a_kernel_that_killed_makes_a_kill_starvation() -> None:
    kills = kernel_kills()
    assert not starved(-9, kills)
    assert not starved(-11, -1)
    assert starved(-9, kills - 1)


def test_a_hold_says_every_state_and_learns_the_wish(bench: Bench) -> None:
    job = bench.queue(steps=5)
    claim = bench.claim()
    hold = Hold(claim.job.pk, claim.attempt, HASTE)
    assert str(hold.desired) == "run"
    hold.enter(Status.RUNNING)
    controls.request(job, "pause")
    hold.flush()
    assert str(hold.desired) == "pause"
    hold.enter(Status.PAUSING)
    hold.finish(Status.PAUSED)
    states = Event.objects.filter(job=job, type="status").order_by("seq").values_list("data", flat=True)
    assert [data["status"] for data in states] == ["queued", "starting", "running", "pausing", "paused"]
    with pytest.raises(Fenced):
        hold.finish(Status.DONE)


def test_a_hold_renews_its_lease_while_something_takes_long(bench: Bench) -> None:
    job = bench.queue(steps=5)
    claim = bench.claim()
    hold = Hold(claim.job.pk, claim.attempt, HASTE)
    job.refresh_from_db()
    before, renewed = job.lease_until, threading.Event()

    def slow() -> str:
        renewed.wait(20)
        return "done"

    def watch() -> bool:
        job.refresh_from_db()
        return job.lease_until != before

    def let_go() -> None:
        wait_for(watch, 15)
        renewed.set()

    thread = threading.Thread(target=let_go)
    thread.start()
    assert hold.during(slow) == "done"
    thread.join()
    with pytest.raises(ZeroDivisionError):
        hold.during(lambda: 1 / 0)


def test_an_order_names_real_paths_and_what_is_stored(bench: Bench, home: Path) -> None:
    job = bench.queue(steps=5)
    start = order(job, 3, STATION)
    assert (start.job, start.attempt, start.kind, start.params) == (str(job.pk), 3, "clm", {"steps": 5})
    assert (Path(start.inputs["corpus"].path) / "text.txt").read_text().startswith("to be")
    assert Path(start.folder) == job_folder(job) == home / "jobs" / str(job.pk)
    assert 0 < start.memory_limit < host.memory_available()


def test_an_order_for_bytes_that_are_gone_is_refused(bench: Bench) -> None:
    job = bench.queue(steps=5)
    job.job_inputs.update(sha256="d" * 64)
    with pytest.raises(BadInput, match="plays"):
        order(job, 1, STATION)


def test_this_machine() -> None:
    assert host.cores() >= 1
    assert host.share_of_cores(1000) == 1
    assert host.memory_available() > 1 << 20
    assert host.cpu_model()


def test_devices_are_found_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    assert host.gpus() == ["cuda:0", "cuda:1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert host.gpus() == []


@pytest.mark.parametrize(
    "said",
    [
        describe(3),
        describe(-11),
        describe(None),
        "The run made no progress for 60 seconds and was ended.",
        "The corpus of this run, plays, was deleted.",
        "The bytes of the corpus of this run, plays, are not in the store.",
        f"{POISON} {describe(-11)}",
        "The machine ran out of memory. A smaller batch, block or model needs less.",
    ],
)
def test_what_people_read_has_a_translation(said: str) -> None:
    with override("zh-hans"):
        assert sentence(said) != said


def test_folders_that_nobody_needs_are_cleared_away(bench: Bench, home: Path) -> None:
    done, waiting, removed = (bench.queue(steps=5) for _ in range(3))
    for job in (done, waiting, removed):
        job_folder(job).mkdir(parents=True)
        (job_folder(job) / "model-1").mkdir()
        (job_folder(job) / "checkpoints" / "000000005-0001").mkdir(parents=True)
    (home / "jobs" / "notes").mkdir()
    Job.objects.filter(pk=done.pk).update(status=Status.DONE, finished_at=Now())
    gone = job_folder(removed)
    removed.delete()
    assert sweep(home / "jobs") == []  # a job of this folder may be about to be queued
    assert [path.name for path in job_folder(done).iterdir()] == ["checkpoints"]
    assert len(list(job_folder(waiting).iterdir())) == 2
    assert sweep(home / "jobs", grace=0) == [gone.name]
    assert sweep(home / "nowhere") == []
    assert sweep(home / "jobs", spare=1 << 62) == [str(done.pk)]  # a disk is never as empty as that
    assert sorted(path.name for path in (home / "jobs").iterdir()) == sorted(["notes", str(waiting.pk)])
