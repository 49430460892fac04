"""A real server for tests: uvicorn with the product's own options, on the test's database, and a real Redis."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil
from django.conf import settings
from django.db import connection

ROOT = Path(settings.BASE_DIR)
OPTIONS = ("--ws", "websockets-sansio", "--ws-max-size", "65536", "--timeout-graceful-shutdown", "5")


@dataclass
class Site:
    """A running server."""

    port: int
    process: "subprocess.Popen[str]"

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def memory(self) -> int:
        """Its resident memory in bytes."""
        return int(psutil.Process(self.process.pid).memory_info().rss)


def database_url() -> str:
    """The test database's address, for another process."""
    found = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{found['NAME']}"
    return f"postgresql://{found['USER']}@{quote(found['HOST'], safe='')}/{found['NAME']}"


@contextmanager
def start_site(home: Path, **environment: str) -> Iterator[Site]:
    """Run a server while the block lasts."""
    env = {
        **os.environ,
        "VITRINE_HOME": str(home),
        "DATABASE_URL": database_url(),
        "REDIS_URL": settings.REDIS_URL,
        "STORAGE_URL": settings.STORAGE_URL,
        "SECRET_KEY": settings.SECRET_KEY,
        "DJANGO_SETTINGS_MODULE": "playground.settings",
        **environment,
    }
    command = [sys.executable, "-m", "uvicorn", "playground.asgi:application", *OPTIONS, "--port", "0"]
    process = subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True)
    try:
        yield Site(_port(process), process)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _port(process: "subprocess.Popen[str]") -> int:
    """The port that the server tells; what it says afterwards is read and dropped, or it would block."""
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        found = re.search(r"running on http://127\.0\.0\.1:(\d+)", line)
        if found:
            threading.Thread(target=lambda: list(process.stderr or []), daemon=True).start()
            return int(found[1])
    raise AssertionError("the server did not start:\n" + "".join(said))
