"""A database of its own and processes that race in it; the test's process never opens it.

`racers.py` has the verbs. A race starts all processes, waits until each is ready, and lets them go at once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

ROOT = Path(__file__).resolve().parents[2]


class Arena:
    """A fresh database: a SQLite file in `folder`, or a new database on the PostgreSQL server that is being tested."""

    def __init__(self, folder: Path) -> None:
        self.environment = os.environ | {"VITRINE_HOME": str(folder), "STORAGE_URL": f"file://{folder}/store"}
        self.environment["DJANGO_SETTINGS_MODULE"] = "playground.settings"
        server = self.environment.pop("DATABASE_URL", "")
        if server.startswith("postgres"):
            name = f"arena_{uuid.uuid4().hex}"
            with psycopg.connect(server, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}".encode())
            self.environment["DATABASE_URL"] = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        self.ask("migrate")

    def race(self, verb: str, processes: int = 4, threads: int = 2, **arguments: Any) -> list[Any]:
        """Let processes x threads do the same thing at the same time; return what each got."""
        command = [sys.executable, "-m", "tests.ledger.racers", verb, str(threads), json.dumps(arguments)]
        racers = [
            subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for _ in range(processes)
        ]
        try:
            ready = [racer.stdout.readline() for racer in racers if racer.stdout]
            assert ready == ["ready\n"] * processes
            said = [racer.communicate("go\n", timeout=120)[0] for racer in racers]
            assert [racer.returncode for racer in racers] == [0] * processes
        finally:
            for racer in racers:
                racer.kill()
                racer.wait()
        return [got for line in said for got in json.loads(line)]

    def ask(self, verb: str, **arguments: Any) -> Any:
        """Let one process do one thing."""
        return self.race(verb, 1, 1, **arguments)[0]
