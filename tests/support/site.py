"""A whole Vitrine for a test: `manage.py serve` in a process of its own, on a free port, with a home of its own."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 90.0
"""Seconds after which a wait is a failure; nothing here is a measurement."""


class Site:
    """The running supervisor: what it printed, its address, and every process below it."""

    def __init__(self, home: Path, **environment: str) -> None:
        kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL", "HOST")}
        self.home = home
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "serve"],
            cwd=ROOT,
            env={**kept, "VITRINE_HOME": str(home), "PORT": "0", **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def text(self) -> str:
        """Everything printed so far."""
        return "".join(self.lines)

    @property
    def link(self) -> str:
        """The one-time link of the ready line; waits for it."""
        return self.wait_for(r"^Vitrine is ready: (http://\S+)$")[1]

    @property
    def url(self) -> str:
        """The address, without a trailing slash."""
        return self.link.partition("/?")[0]

    def wait_for(self, pattern: str, *, times: int = 1) -> re.Match[str]:
        """Wait until the log matches (so many times); returns the last of those matches."""
        deadline = time.monotonic() + PATIENCE
        while True:
            found = list(re.finditer(pattern, self.text, re.MULTILINE))
            if len(found) >= times:
                return found[times - 1]
            ended = self.process.poll() is not None and not self._reader.is_alive()
            if ended or time.monotonic() > deadline:
                raise AssertionError(f"{pattern!r} is not in:\n{self.text}")
            time.sleep(0.05)

    def processes(self) -> list[psutil.Process]:
        """Every process below the supervisor, of any depth."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, *words: str) -> psutil.Process:
        """The supervisor's child whose command line has all the words."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for process in psutil.Process(self.process.pid).children():
                try:
                    command = process.cmdline()
                except psutil.Error:
                    continue
                # A child that is still being tied to the supervisor has not become its command yet.
                if all(word in " ".join(command) for word in words) and "tether.py" not in " ".join(command):
                    return process
            time.sleep(0.05)
        raise AssertionError(f"no child runs {words}:\n{self.text}")

    def manage(self, *arguments: str) -> str:
        """Run a management command on the same home; returns what it printed."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**os.environ, "VITRINE_HOME": str(self.home)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def stop(self) -> int:
        """Ctrl-C, and wait; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                self.lines.append(line)


def all_gone(processes: list[psutil.Process]) -> bool:
    """Wait until none of the processes runs any more; False if one stays."""
    deadline = time.monotonic() + PATIENCE
    while any(_runs(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
