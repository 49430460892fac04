"""What the web tests share: pages without a built front end, corpora, jobs with a history."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django_vite.core.asset_loader import DjangoViteAssetLoader
from pytest_django import DjangoDbBlocker

from playground.domain.job import Status
from playground.domain.messages import NewEvent
from playground.domain.registry import kinds
from playground.ledger.append import append
from playground.ledger.claim import claim
from playground.ledger.models import Job
from playground.ledger.submit import submit
from playground.library import corpora
from playground.library.models import Artifact
from playground.people.models import User
from tests.support.redis import start_redis
from tests.web.site import Site, start_site


@pytest.fixture(autouse=True)
def unbuilt_front_end() -> Iterator[None]:
    """Pages refer to a development server, so that these tests need no build; nothing is fetched."""
    before = settings.DJANGO_VITE
    settings.DJANGO_VITE = {"default": {**before["default"], "dev_mode": True}}
    DjangoViteAssetLoader._instance = None
    yield
    settings.DJANGO_VITE = before
    DjangoViteAssetLoader._instance = None


@pytest.fixture
def corpus(user: User, clean_store: Path, tmp_path: Path) -> Artifact:
    """A corpus of Ada's, long enough to train on."""
    file = tmp_path / "upload"
    file.write_text("the quick brown fox jumps over the lazy dog\n" * 500)
    return corpora.add(user, file, "Foxes", limit=1 << 20)[0]


@pytest.fixture
def job(user: User, corpus: Artifact) -> Job:
    """A queued run of Ada's."""
    return queue(user, corpus)


def queue(owner: User, corpus: Artifact, **params: Any) -> Job:
    """Queue a run of a language model."""
    wanted = kinds()["clm"].Params.model_validate({"corpus": str(corpus.pk), "steps": 100, **params})
    return submit(owner, "clm", wanted, {"corpus": corpus}, name="Foxes run")[0]


def run(job: Job) -> Callable[..., int]:
    """Let a worker take the job; returns how it stores metrics: `store(first, last)`, giving the last seq."""
    claimed = claim("w1")
    assert claimed is not None
    assert claimed.job.pk == job.pk
    append(job.pk, claimed.attempt, [], to=Status.RUNNING, steps=100)

    def store(first: int, last: int, *, to: Status | None = None, size: int = 0) -> int:
        steps = list(range(first, last + 1))
        events = [
            NewEvent(
                type="metrics",
                data={"step": [step], "loss": [7.0 - step / 100], **({"note": ["x" * size]} if size else {})},
            )
            for step in steps
        ]
        return append(job.pk, claimed.attempt, events, to=to).last_seq

    return store


@pytest.fixture(scope="session")
def site(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """One server for all tests of this run that need one, on the test's database and with a real Redis."""
    with ExitStack() as stack:
        stack.enter_context(start_redis(settings.VITRINE_HOME))
        with django_db_blocker.unblock():
            yield stack.enter_context(start_site(tmp_path_factory.mktemp("home"), VITRINE_MAX_CORPUS_BYTES="3000000"))
