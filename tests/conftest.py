"""What all tests share: a home of their own, the choice of database, people with tokens.

`--database postgresql` starts a private PostgreSQL for this run; else the tests use a SQLite file. Nothing
is ever written into the data of an installation that lies in the same tree.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import dj_database_url
import pytest
from django.conf import settings
from django.db import connections
from django.test import Client
from django.utils import translation

from playground.people import tokens
from playground.people.models import User
from playground.web import catalogue
from tests.support.postgres import start_postgres

_run = ExitStack()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The one option of ours."""
    parser.addoption("--database", choices=("sqlite", "postgresql"), default="sqlite", help="what to test on")


def pytest_configure(config: pytest.Config) -> None:
    """Lead all data into a temporary home before anything opens a connection."""
    home = Path(tempfile.mkdtemp(prefix="vitrine-tests-"))
    _run.callback(shutil.rmtree, home, ignore_errors=True)
    settings.VITRINE_HOME = home
    settings.STORAGE_URL = f"file://{home}/store"
    settings.REDIS_URL = f"unix://{home}/run/redis.sock"
    settings.BROKER_URL = f"redis+socket://{home}/run/redis.sock"
    settings.FILE_UPLOAD_TEMP_DIR = str(home / "uploads")
    (home / "uploads").mkdir()
    settings.LOGGING_CONFIG = None
    # Argon2 takes half a second by design; most tests make users and none is about the hash.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    if config.getoption("--database") == "postgresql":
        os.environ["DATABASE_URL"] = _run.enter_context(start_postgres())
    # Django has read its settings already, so that they are changed in place; connections are made anew.
    database: dict[str, Any] = connections.settings["default"]
    if "DATABASE_URL" in os.environ:
        database |= dict(dj_database_url.parse(os.environ["DATABASE_URL"]))
    if database["ENGINE"].endswith("sqlite3"):
        # A file, since threads and processes share it; not waiting for the disk, since it need not survive.
        fast = settings.SQLITE_OPTIONS["init_command"].replace("=FULL", "=OFF")
        database["OPTIONS"] = {**settings.SQLITE_OPTIONS, "init_command": fast}
        database["TEST"]["NAME"] = str(home / "test.sqlite3")
    else:
        database["OPTIONS"] = {}
    for alias in [connection.alias for connection in connections.all(initialized_only=True)]:
        del connections[alias]
    catalogue.compile_all()


def pytest_unconfigure() -> None:
    """Stop the database and remove the home."""
    _run.close()


@pytest.fixture(autouse=True)
def english() -> None:
    """A request in Chinese leaves its thread Chinese; the next test begins in English."""
    translation.activate("en")


@pytest.fixture
def user(db: None) -> User:
    """Somebody with an account."""
    return User.objects.create_user("ada", password="difference engine")


@pytest.fixture
def other(db: None) -> User:
    """Somebody else."""
    return User.objects.create_user("mallory", password="not the same one")


SignedIn = Callable[[User], Client]


@pytest.fixture
def as_user() -> SignedIn:
    """A client that sends a person's API token."""

    def make(person: User) -> Client:
        return Client(
            headers={"authorization": f"Bearer {tokens.create(person, 'test')}"}, raise_request_exception=False
        )

    return make


@pytest.fixture
def client_of_ada(user: User, as_user: SignedIn) -> Client:
    """A program that acts for Ada."""
    return as_user(user)


@pytest.fixture
def clean_store(tmp_path: Path) -> Iterator[Path]:
    """A store of the test's own; gives its folder."""
    before = settings.STORAGE_URL
    settings.STORAGE_URL = f"file://{tmp_path}/store"
    yield tmp_path / "store"
    settings.STORAGE_URL = before
