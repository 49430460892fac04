"""The same supervisor on a real PostgreSQL: what another database would take differently."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from playground.domain.job import Status
from playground.ledger import controls
from playground.ledger.models import Event, Job
from playground.ledger.queue import line
from playground.people.models import User
from tests.support.database import connected
from tests.support.postgres import start_postgres
from tests.workers.conftest import ROOT, Bench, make_corpus, wait_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """A server with all tables; gives its address."""
    with start_postgres() as url:
        migrate = [sys.executable, "manage.py", "migrate", "-v0", "--skip-checks"]
        subprocess.run(migrate, cwd=ROOT, env={**os.environ, "DATABASE_URL": url}, check=True)
        yield url


@pytest.fixture
def bench(database: str, tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[Bench]:
    """A bench on that server."""
    with connected(tmp_path, django_db_blocker, database):
        owner = User.objects.create_user(tmp_path.name)
        yield Bench(owner, make_corpus(owner, tmp_path))


def test_a_run_with_a_crash_in_it(bench: Bench) -> None:
    job = bench.queue(steps=30, at=17, then="segv", times=1)
    bench.attempt()
    bench.verify(job, Status.QUEUED)
    bench.attempt()
    bench.verify(job, Status.DONE, steps=30)


def test_what_postgresql_cannot_store_is_replaced(bench: Bench) -> None:
    job = bench.queue(steps=3, null=True)
    bench.attempt()
    bench.verify(job, Status.DONE, steps=3)
    sample = Event.objects.get(job=job, type="sample")
    assert sample.data["text"] == "a\N{REPLACEMENT CHARACTER}b"


def test_the_line_knows_what_jobs_need(bench: Bench) -> None:
    jobs = [bench.queue(steps=1, memory=5 << 30, devices=2), bench.queue(steps=1)]
    needs = {entry.job: (entry.memory, entry.devices) for entry in line()}
    assert [needs[job.pk] for job in jobs] == [(5 << 30, 2), (None, 1)]
    for job in jobs:
        controls.request(job, "stop")


def test_a_stop_reaches_a_run(bench: Bench) -> None:
    job = bench.queue(steps=10_000)
    thread = bench.start()
    wait_for(lambda: Job.objects.filter(pk=job.pk, step__gte=5).exists(), 30)
    controls.request(job, "stop")
    thread.join(20)
    bench.verify(job, Status.STOPPED)


def test_a_connection_that_the_server_closes_is_made_anew(bench: Bench) -> None:
    job = bench.queue(steps=150, pause=0.02)
    thread = bench.start()
    wait_for(lambda: Job.objects.filter(pk=job.pk, step__gte=5).exists(), 30)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    thread.join(60)
    assert threading.active_count() < 20
    bench.verify(job, Status.DONE, steps=150)
    assert job.attempt == 1
