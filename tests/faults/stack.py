"""A whole installation in real processes, whose parts can be found, killed, frozen and thawed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import httpx
import psutil

from playground.ledger.models import Event, Job, Worker

ROOT = Path(__file__).resolve().parents[2]
T = TypeVar("T")


class Stack:
    """`manage.py serve` on a home and a port of its own."""

    def __init__(self, home: Path, port: int) -> None:
        self.home = home
        self.address = f"http://127.0.0.1:{port}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")},
            "VITRINE_HOME": str(home),
            "HOST": "127.0.0.1",
            "PORT": str(port),
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.token = ""
        self.others: list[subprocess.Popen[bytes]] = []

    def manage(self, *arguments: str) -> str:
        """Run a management command and return what it prints."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def start(self) -> None:
        """Start everything, and wait until the site answers."""
        with (self.home / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "serve"],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(self.answers, 120)

    def answers(self) -> bool:
        """Whether the site answers."""
        try:
            return httpx.get(f"{self.address}/api/v1/health", timeout=2).is_success
        except httpx.HTTPError:
            return False

    def stop(self) -> None:
        """Stop everything."""
        for other in [*self.others, *([self.process] if self.process else [])]:
            other.send_signal(signal.SIGCONT)
            other.terminate()
            other.wait(30)

    def api(self, method: str, path: str, **options: Any) -> Any:
        """Ask the API as a program would, and return the JSON of its answer."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = httpx.request(method, f"{self.address}/api/v1/{path}", headers=headers, timeout=30, **options)
        assert answer.is_success, answer.text
        return answer.json()

    def part(self, word: str) -> psutil.Process:
        """The process of the installation whose command line has a word: uvicorn, redis-server."""
        assert self.process is not None
        children = psutil.Process(self.process.pid).children()
        return next(child for child in children if any(word in argument for argument in child.cmdline()))

    def worker(self) -> psutil.Process:
        """The train worker's process."""
        assert self.process is not None
        children = psutil.Process(self.process.pid).children()
        return next(child for child in children if child.cmdline()[-2:] == ["workers", "train"])

    def engines(self) -> list[psutil.Process]:
        """The engine children of the train worker: those that lead sessions of their own."""
        worker = self.worker()
        return [child for child in worker.children(recursive=True) if os.getsid(child.pid) == child.pid]

    def second_worker(self) -> psutil.Process:
        """Start another train worker on the same home; returns once it has signed on."""
        with (self.home / "second.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "workers", "train"],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.others.append(process)
        wait_for(lambda: Worker.objects.filter(pid=process.pid).exists(), 60)
        return psutil.Process(process.pid)

    def log(self) -> str:
        """The end of what the processes printed, for the report of a failed test."""
        return (self.home / "serve.log").read_text(errors="replace")[-6000:]


def reach(job: UUID, step: int, seconds: float = 120) -> int:
    """Wait until a run has stored a step and a checkpoint; returns the last stored step then."""

    def there() -> int | None:
        row = Job.objects.filter(pk=job, step__gte=step).values_list("step", flat=True).first()
        saved = Event.objects.filter(job=job, type="checkpoint").exists()
        return row if saved else None

    return wait_for(there, seconds)


def training_again(job: UUID, attempt: int, seconds: float = 120) -> None:
    """Wait until a run has stored new steps of a later attempt."""
    metrics = Event.objects.filter(job=job, attempt__gt=attempt, type="metrics")
    wait_for(metrics.exists, seconds)


def training_on(job: UUID, seconds: float = 120) -> None:
    """Wait until a run has stored ten steps more."""
    goal = Job.objects.get(pk=job).step + 10
    wait_for(lambda: Job.objects.filter(pk=job, step__gte=goal).exists(), seconds)


def wait_for(probe: Callable[[], T | None], seconds: float) -> T:
    """The first true value of `probe`; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = probe()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"nothing happened for {seconds} seconds")
