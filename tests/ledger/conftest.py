"""What the ledger's tests share: an owner, a corpus, jobs, and a way to let time pass."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.db.models import F
from pydantic import BaseModel
from pytest_django import Settings

from playground.domain.job import Status
from playground.ledger.append import append
from playground.ledger.claim import Claim, claim
from playground.ledger.models import Event, Job
from playground.ledger.submit import submit
from playground.library import store
from playground.library.models import Artifact
from playground.people.models import User


class Params(BaseModel):
    """The parameters of an imaginary kind of job."""

    steps: int = 10
    devices: int = 1


MakeJob = Callable[..., Job]


@pytest.fixture
def owner(db: None) -> User:
    """Somebody with an account."""
    return User.objects.create_user("ada")


@pytest.fixture
def corpus(owner: User, tmp_path: Path, settings: Settings) -> Artifact:
    """A corpus in a store of the test's own."""
    settings.STORAGE_URL = f"file://{tmp_path}/store"
    text = tmp_path / "upload"
    text.write_text("To be, or not to be.")
    sha256 = hashlib.sha256(text.read_bytes()).hexdigest()
    store.current().put_file("corpus", sha256, text)
    return Artifact.objects.create(kind="corpus", owner=owner, name="plays", sha256=sha256, bytes=20)


@pytest.fixture
def make_job(owner: User, corpus: Artifact) -> MakeJob:
    """Queue jobs, each with the corpus as its input."""

    def make(by: User | None = None, memory: int | None = None, devices: int = 1) -> Job:
        params = Params(devices=devices)
        return submit(by or owner, "clm", params, {"corpus": corpus}, name="a run", memory=memory)[0]

    return make


@pytest.fixture
def running(make_job: MakeJob) -> Claim:
    """A job in its first attempt, running."""
    make_job()
    claimed = claim("w1")
    assert claimed is not None
    append(claimed.job.pk, claimed.attempt, [], to=Status.RUNNING)
    claimed.job.refresh_from_db()
    return claimed


def pass_time(seconds: float) -> None:
    """Let time pass for all jobs: what was due in s seconds is due now."""
    earlier = timedelta(seconds=seconds)
    Job.objects.update(not_before=F("not_before") - earlier)
    Job.objects.exclude(lease_until=None).update(lease_until=F("lease_until") - earlier)


def log_of(job_id: UUID) -> list[tuple[int, int, str, str]]:
    """Return (seq, attempt, type, status or "") of each event."""
    rows = Event.objects.filter(job=job_id).order_by("seq")
    return [(row.seq, row.attempt, row.type, row.data["status"] if row.type == "status" else "") for row in rows]
