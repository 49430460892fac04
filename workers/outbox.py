"""What a child said and the database does not know yet.

Metrics come one step at a time and are stored as lists: consecutive ones with the same names become one event.
While the database is away the outbox is the spool; it is bounded, and a full one makes the child wait.
"""

import json
from typing import Any

from playground.domain.messages import Emit, NewEvent, ReportType

INTERVAL = 0.05
"""Seconds between two writes while a child talks: 20 frames a second, which is what a chart can show."""

POINTS = 200
"""Steps in one event at most, so that no frame to a browser is long."""

CAPACITY = 20_000
"""Messages in the spool at most: tens of megabytes."""


class Outbox:
    """Events in order, consecutive metrics merged."""

    def __init__(self) -> None:
        self._events: list[tuple[ReportType, dict[str, Any], list[str]]] = []
        self._count = 0

    def __len__(self) -> int:
        """Messages that wait, before merging."""
        return self._count

    @property
    def full(self) -> bool:
        """Whether nothing more may be added now."""
        return self._count >= CAPACITY

    def add(self, emit: Emit) -> None:
        """Append what the child reported."""
        self._count += 1
        if emit.type != "metrics":
            self._events.append((emit.type, storable(emit.data), emit.blobs))
        elif self._fits(emit.data):
            for name, series in self._events[-1][1].items():
                series.append(emit.data[name])
        else:
            self._events.append(("metrics", {name: [value] for name, value in emit.data.items()}, []))

    def _fits(self, data: dict[str, Any]) -> bool:
        if not self._events or self._events[-1][0] != "metrics":
            return False
        last = self._events[-1][1]
        return last.keys() == data.keys() and len(last["step"]) < POINTS

    def events(self) -> list[NewEvent]:
        """All that waits, as events; they stay until `clear`."""
        return [NewEvent(type=kind, data=data, blobs=blobs) for kind, data, blobs in self._events]

    def clear(self) -> None:
        """Forget what was stored."""
        self._events.clear()
        self._count = 0


def storable(data: dict[str, Any]) -> dict[str, Any]:
    """Replace the character U+0000, which models do write and PostgreSQL cannot store."""
    text = json.dumps(data)
    if "\\u0000" not in text:
        return data
    replaced: dict[str, Any] = json.loads(text.replace("\\u0000", "\\ufffd"))
    return replaced
