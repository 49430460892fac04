"""What a message can ask for: to look for a job, or to inspect a model. Both only hand over and return."""

import threading
from collections.abc import Callable
from typing import Any

from workers.app import REQUEST, RING, app

bell = threading.Event()
"""Set when there may be a job to claim; the slots clear it."""

inspector: list[Callable[[str, dict[str, Any]], None]] = []
"""Takes the inspect requests of this process; empty in a train worker."""


class Ear:
    """Counts the messages that this process has taken."""

    count = 0

    def heard(self) -> int:
        """How many they were."""
        return self.count


ear = Ear()


def ring(job: str = "") -> None:
    """Wake a slot. Which job rang does not matter: the ledger says whose turn it is."""
    ear.count += 1
    bell.set()


def inspect(request: str, body: dict[str, Any]) -> None:
    """Hand an inspect request over; its answer goes to the Redis list of that request."""
    ear.count += 1
    for take in inspector:
        take(request, body)


app.task(name=RING)(ring)
app.task(name=REQUEST)(inspect)
