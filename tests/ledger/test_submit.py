"""Submitting: what is stored, and what the same key may and may not do again."""

from __future__ import annotations

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from playground.domain.errors import Conflict
from playground.ledger.invariants import check
from playground.ledger.models import Event, Job
from playground.ledger.submit import submit
from playground.library.models import Artifact
from playground.people.models import User
from tests.ledger.conftest import Params


def test_a_submission_is_a_job_its_inputs_and_its_first_event(owner: User, corpus: Artifact) -> None:
    job, created = submit(owner, "clm", Params(steps=7), {"corpus": corpus}, name="first")
    assert created
    assert (job.kind, job.name, job.status, job.params, job.last_seq) == (
        "clm",
        "first",
        "queued",
        {"steps": 7, "devices": 1},
        1,
    )
    event = Event.objects.get(job=job)
    assert (event.seq, event.type, event.data["status"], event.attempt) == (1, "status", "queued", 0)
    use = job.job_inputs.get()
    assert (use.role, use.artifact, use.name, use.sha256) == ("corpus", corpus, "plays", corpus.sha256)
    assert list(job.inputs.all()) == [corpus]
    assert check(job) == []


def test_a_job_without_a_name_is_called_after_its_kind(owner: User) -> None:
    assert submit(owner, "mlm", Params(), {})[0].name == "mlm"


def test_the_same_request_again_gives_the_same_job(owner: User) -> None:
    first, created = submit(owner, "clm", Params(), {}, idempotency_key="k", request_hash="h")
    again, created_again = submit(owner, "clm", Params(), {}, idempotency_key="k", request_hash="h")
    assert (created, created_again) == (True, False)
    assert again.pk == first.pk


def test_another_request_under_the_same_key_is_refused(owner: User) -> None:
    submit(owner, "clm", Params(), {}, idempotency_key="k", request_hash="h")
    with pytest.raises(Conflict, match="another request") as refused:
        submit(owner, "clm", Params(), {}, idempotency_key="k", request_hash="other")
    assert refused.value.code == "idempotency_key_reused"
    assert Job.objects.count() == 1


def test_keys_belong_to_their_owners_and_no_key_is_no_key(owner: User) -> None:
    other = User.objects.create_user("grace")
    jobs = [submit(user, "clm", Params(), {}, idempotency_key=key)[0] for user in (owner, other) for key in ("k", None)]
    jobs.append(submit(owner, "clm", Params(), {})[0])
    assert len({job.pk for job in jobs}) == 5


def test_the_bell_rings_after_the_commit_and_not_before(
    owner: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        submit(owner, "clm", Params(), {})
    assert len(callbacks) == 2


@pytest.mark.django_db(transaction=True)
def test_an_input_that_was_deleted_a_moment_ago_is_named_and_nothing_is_left(owner: User, corpus: Artifact) -> None:
    Artifact.objects.filter(pk=corpus.pk).delete()
    with pytest.raises(Conflict, match="deleted") as refused:
        submit(owner, "clm", Params(), {"corpus": corpus})
    assert refused.value.code == "input_deleted"
    assert not Job.objects.exists()
