"""Looking into the database of an installation that runs in other processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dj_database_url
from django.conf import settings
from django.db import connections
from django.test import override_settings
from pytest_django import DjangoDbBlocker

DATABASE = "vitrine.sqlite3"


@contextmanager
def connected(home: Path, blocker: DjangoDbBlocker, url: str = "") -> Iterator[None]:
    """Have this process, in all its threads, use the store of `home` and its SQLite file, or the database `url`."""
    usual, settings_of = connections["default"], connections.settings
    usual_options = settings_of["default"]
    sqlite = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(home / DATABASE),
        "OPTIONS": settings.SQLITE_OPTIONS,
    }
    settings_of["default"] = usual_options | (dict(dj_database_url.parse(url)) | {"OPTIONS": {}} if url else sqlite)
    del connections["default"]
    try:
        with blocker.unblock(), override_settings(VITRINE_HOME=home, STORAGE_URL=f"file://{home}/store"):
            yield
            connections["default"].close()
    finally:
        settings_of["default"] = usual_options
        connections["default"] = usual
