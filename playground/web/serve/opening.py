"""The last part of a start: when to say "ready", and with which line.

Ready is when the health page answers and a train worker has signed on. A worker that takes longer
than a few seconds does not hold up the start: the page says by itself why a job waits.
"""

import json
import threading
import time
import urllib.request
from typing import Any

from django.db import connection

from playground.people import links
from playground.people.owner import ensure_owner
from playground.web.serve.child import Child
from playground.web.serve.supervisor import Supervisor

WAIT_FOR_WORKER = 4.0
"""Seconds after which a site without a train worker is announced as ready all the same."""
HOLD_BACK = 2.5
"""Seconds that the inspect worker's start waits at most: on two cores the page and training come first."""
PATIENCE = 60.0
"""Seconds without an answer after which the log says that something is wrong."""
PAUSE = 0.1
TIMEOUT = 2.0


class Opening:
    """Asks the health page in a thread of its own; the supervisor's loop calls `turn`."""

    def __init__(self, supervisor: Supervisor, url: str, late: Child) -> None:
        self.supervisor = supervisor
        self.url = url
        self.late: Child | None = late
        self.began = time.monotonic()
        self.answered = threading.Event()
        self.announced = False
        self.complained = False
        threading.Thread(target=self._ask_until_ready, name="readiness", daemon=True).start()

    @property
    def elapsed(self) -> float:
        """Seconds since the web process was started."""
        return time.monotonic() - self.began

    def turn(self) -> None:
        """Do what is due: start the worker held back, announce, or complain; each once."""
        if self.late and (self.answered.is_set() or self.elapsed > HOLD_BACK):
            self.supervisor.start(self.late)
            self.late = None
        if self.answered.is_set() and not self.announced:
            self.supervisor.console.announce(f"Vitrine is ready: {self.url}/?token={links.make(ensure_owner())}")
            connection.close()
            self.announced = True
        if not self.announced and not self.complained and self.elapsed > PATIENCE:
            self.supervisor.console.say(f"The site has not answered for {PATIENCE:g} s; the lines above say why.")
            self.complained = True

    def _ask_until_ready(self) -> None:
        while not self.supervisor.stopping:
            health = self._ask()
            if health is not None and (self.has_train_worker(health) or self.elapsed > WAIT_FOR_WORKER):
                self.answered.set()
                return
            time.sleep(PAUSE)

    def _ask(self) -> dict[str, Any] | None:
        """The health page's answer, or None while there is none."""
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/health", timeout=TIMEOUT) as answer:
                found = json.load(answer)
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def has_train_worker(self, health: dict[str, Any]) -> bool:
        """Whether a train worker was seen since this start; one from before it may be gone."""
        elapsed = self.elapsed
        return any(
            worker.get("queue") == "train" and worker.get("seen_s", elapsed) < elapsed
            for worker in health.get("workers", [])
        )
