"""A home of its own for each test: a real SQLite file, a store, and jobs for the honest engine.

The database is a file because supervisors run in threads and in processes of their own; the rows are committed, as in
real life, and the file goes away with the test.
"""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import redis
from django.db import connections
from pydantic import BaseModel, ConfigDict
from pytest_django import DjangoDbBlocker

from playground.domain.job import Status
from playground.ledger import process
from playground.ledger.claim import Claim, claim
from playground.ledger.invariants import check
from playground.ledger.models import Event, Job
from playground.ledger.submit import submit
from playground.library.models import Artifact
from playground.people.models import User
from playground.web import redis_server
from tests.support.database import DATABASE, connected
from workers import nursery
from workers.order import Station
from workers.supervisor import Supervisor
from workers.watchdog import Patience

ROOT = Path(__file__).resolve().parents[2]
T = TypeVar("T")
HONEST = "tests.workers.honest_engine"
STATION = Station(devices=("cpu",), threads=1, memory=2 << 30)
HASTE = Patience(prepare=20, step=20, stop=1.0, pause=1.0, preempt=1.0, terminate=0.3, renew=0.5, look=0.1)
"""Patience for tests: short where the test waits for it, long where a busy machine might."""


class Params(BaseModel):
    """The parameters of the honest engine."""

    model_config = ConfigDict(extra="allow")


@pytest.fixture(scope="session", autouse=True)
def light_nursery() -> None:
    """The fork server of these tests need not load torch."""
    nursery.set_preload([HONEST])


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with all tables and no rows, made by the program itself."""
    folder = tmp_path_factory.mktemp("empty")
    environment = {**os.environ, "VITRINE_HOME": str(folder), "DATABASE_URL": ""}
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v0", "--skip-checks"], cwd=ROOT, env=environment, check=True
    )
    return folder / DATABASE


@pytest.fixture
def home(tmp_path: Path, empty_database: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[Path]:
    """A VITRINE_HOME with its own database, to which this process is connected."""
    shutil.copy(empty_database, tmp_path / DATABASE)
    with connected(tmp_path, django_db_blocker):
        yield tmp_path


class Broker:
    """A real Redis on a socket of its own, which may be killed and started again, empty."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = redis_server.command(redis_server.find_binary(), self.socket, self.socket.with_name("redis.log"))
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_for(self.answers, 10)

    def answers(self) -> bool:
        """Whether it takes commands."""
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def kill(self) -> None:
        """Kill it as an accident would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A Redis that is running."""
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    made = Broker(folder)
    made.start()
    yield made
    made.kill()


@pytest.fixture
def owner(home: Path) -> User:
    """Somebody with an account."""
    return User.objects.create_user("ada")


@pytest.fixture
def corpus(owner: User, home: Path) -> Artifact:
    """A corpus whose bytes are in the store."""
    return make_corpus(owner, home)


def make_corpus(owner: User, home: Path) -> Artifact:
    """Put a small text into the store of `home`."""
    sha256 = "c" * 64
    folder = home / "store" / "corpus" / sha256[:2] / sha256
    folder.mkdir(parents=True)
    (folder / "text.txt").write_text("to be or not to be")
    return Artifact.objects.create(kind="corpus", owner=owner, name="plays", sha256=sha256, bytes=18)


class Bench:
    """Queues jobs for the honest engine, runs attempts, and looks at what came of them."""

    def __init__(self, owner: User, corpus: Artifact) -> None:
        self.owner, self.corpus = owner, corpus
        self.leaving = threading.Event()

    def queue(self, *, memory: int | None = None, **params: Any) -> Job:
        """Queue a job, which was perhaps estimated to need so many bytes."""
        return submit(self.owner, "clm", Params(**params), {"corpus": self.corpus}, name="count", memory=memory)[0]

    def claim(self) -> Claim:
        """Take the next job, waiting for its backoff."""
        return wait_for(
            lambda: claim("bench", host="here", pid=os.getpid(), process=process.identity(), device="cpu"), 30
        )

    def attempt(self, patience: Patience = HASTE, engine: str = HONEST) -> None:
        """Take the next job and supervise it to the end of the attempt."""
        Supervisor(self.claim(), STATION, self.leaving, engine=engine, patience=patience).run()

    def start(self, patience: Patience = HASTE) -> threading.Thread:
        """Do the same in a thread."""

        def run() -> None:
            try:
                self.attempt(patience)
            finally:
                connections.close_all()

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def steps(self, job: Job) -> list[int]:
        """The steps whose metrics are stored, in order."""
        rows = Event.objects.filter(job=job, type="metrics").order_by("seq").values_list("data", flat=True)
        return [step for data in rows for step in data["step"]]

    def verify(self, job: Job, status: Status, steps: int | None = None) -> Job:
        """The job is in this state, has all its steps once, and no invariant is broken."""
        job.refresh_from_db()
        assert job.status == status, (job.status, job.error)
        assert check(job) == []
        if steps is not None:
            assert self.steps(job) == list(range(1, steps + 1))
        return job


@pytest.fixture
def bench(owner: User, corpus: Artifact) -> Bench:
    """A bench with an owner and a corpus."""
    return Bench(owner, corpus)


def wait_for(probe: Callable[[], T | None], seconds: float) -> T:
    """The first true value of `probe`; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = probe()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{probe} said no for {seconds} seconds")
