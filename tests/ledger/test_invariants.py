"""The oracle itself: a healthy job passes, and each kind of damage is named."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest
from django.db.models import F

from playground.domain.job import Status
from playground.domain.messages import NewEvent
from playground.ledger.append import append
from playground.ledger.claim import Claim
from playground.ledger.invariants import check
from playground.ledger.models import Attempt, Event, Job
from playground.library import store
from playground.library.artifacts import adopt
from playground.library.models import Artifact


@pytest.fixture
def done(running: Claim, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A job that ended well and made a model."""
    job, attempt = running
    folder = tmp_path_factory.mktemp("model")
    (folder / "config.json").write_text("{}")
    model = adopt("model", folder, owner=job.owner, name="m", meta={}, origin={})
    points = NewEvent(type="metrics", data={"step": [1, 2], "loss": [2.0, 1.0]})
    append(job.pk, attempt, [points, points])
    append(job.pk, attempt, [], to=Status.DONE, model=model)
    return Job.objects.get(pk=job.pk)


def test_a_healthy_job_violates_nothing(done: Job) -> None:
    assert check(done) == []
    assert done.last_seq == 5


def _event(job: Job, seq: int, type_: str = "log", attempt: int = 1, **data: object) -> None:
    Event.objects.create(job=job, seq=seq, type=type_, attempt=attempt, data=data)


def _no_beginning(job: Job) -> None:
    Event.objects.filter(job=job, seq=1).delete()


def _two_ends(job: Job) -> None:
    _event(job, 6, "status", status="failed")


def _something_after_the_end(job: Job) -> None:
    _event(job, 6)


def _another_status(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(status="stopped")


def _gap(job: Job) -> None:
    Event.objects.filter(job=job, seq=5).update(seq=7)


def _unborn_attempt(job: Job) -> None:
    Event.objects.filter(job=job, seq=5).update(attempt=2)


def _back(job: Job) -> None:
    Event.objects.filter(job=job, seq=4).update(attempt=0)


def _two_alive(job: Job) -> None:
    Attempt.objects.create(job=job, number=2, worker="w")


def _lease(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(lease_until=F("created_at"))


def _model_lost(job: Job) -> None:
    assert job.model is not None
    shutil.rmtree(store.local("model", job.model.sha256))


def _model_changed(job: Job) -> None:
    assert job.model is not None
    (store.local("model", job.model.sha256) / "config.json").write_text("[]")


def _corpus_lost(job: Job) -> None:
    store.current().remove("corpus", job.job_inputs.get().sha256)


def _step_twice(job: Job) -> None:
    Event.objects.filter(job=job, seq=4).update(data={"step": [2, 3, 3], "loss": [1.0, 1.0, 1.0]})
    _event(job, 6, "metrics", step=[3], loss=[1.0])


def _wrong_mark(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(recorded={"series": {"loss": 9}})


def _wrong_step(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(step=1)


def _wrong_losses(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(lost=1)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_no_beginning, "I1 the log does not begin"),
        (_two_ends, "I2 a done job has 2 ends"),
        (_two_ends, "I2 there is no transition from done to failed"),
        (_something_after_the_end, "I2 something follows the end"),
        (_something_after_the_end, "I5 event 6 is of attempt 1, which was over"),
        (_another_status, "I2 the log says done, the job stopped"),
        (_gap, "I3 the numbers are not 1 to 5"),
        (_unborn_attempt, "I4 the log knows an attempt that the job does not"),
        (_unborn_attempt, "I5 event 5 is of attempt 2"),
        (_back, "I4 an attempt follows a later one"),
        (_two_alive, "I6 the attempts are not 1 to 1"),
        (_two_alive, "I6 a done job has the living attempts [2]"),
        (_lease, "I6 the lease of a done job"),
        (_model_lost, "I7 the store has lost the model"),
        (_model_changed, "I7 the model that the job made is not what its hash says"),
        (_corpus_lost, "I7 the store has lost the corpus"),
        (_step_twice, "I8 step 3 of loss stands twice"),
        (_wrong_mark, "I8 the series end at {'loss': 2}"),
        (_wrong_step, "I8 the log reaches step 2, the job says 1"),
        (_wrong_losses, "I8 the log counts 0 losses, the job 1"),
    ],
)
def test_damage_is_named(done: Job, damage: Callable[[Job], None], said: str) -> None:
    damage(done)
    assert any(line.startswith(said) for line in check(done)), check(done)


def test_a_job_that_still_needs_a_deleted_corpus_says_so(running: Claim, corpus: Artifact) -> None:
    Artifact.objects.filter(pk=corpus.pk).delete()
    assert check(running.job) == ["I7 the corpus of the job is gone"]
