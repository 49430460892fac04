"""Probes in the ledger: the binary parts that are kept beside their events, and how they are found again.

They are written in the transaction of their events, behind the same fence, and go away with the job.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import Any, TypedDict
from uuid import UUID

from playground.domain.messages import NewEvent
from playground.domain.probing import WORDS
from playground.ledger.models import Event, Job, ProbeBlob


class Index(TypedDict):
    """What is true of all records of a run, None before the first; and the steps that were recorded, rising."""

    about: dict[str, Any] | None
    steps: list[int]


def keep(job: Job, events: Sequence[NewEvent]) -> None:
    """Store the binary parts of the probes among new events of a held job, in its open transaction."""
    rows = [
        ProbeBlob(job=job, step=event.data["step"], sentence=place, data=base64.b64decode(blob))
        for event in events
        if event.type == "probe"
        for place, blob in _placed(event)
    ]
    if rows:
        ProbeBlob.objects.bulk_create(rows)


def _placed(event: NewEvent) -> Iterable[tuple[int, str]]:
    """Each part with its place: the sentences from 0 on, and what follows them."""
    sentences = len(event.data.get("sentences", []))
    for place, blob in enumerate(event.blobs[: sentences + 1]):
        if blob:
            yield place if place < sentences else WORDS, blob


def index(job_id: UUID) -> Index:
    """Read what was told with the first record, and the steps of all."""
    found = Event.objects.filter(job=job_id, type="probe").order_by("seq")
    steps: list[int] = list(found.values_list("data__step", flat=True))
    first = found.first()
    return Index(about=first.data.get("about") if first else None, steps=steps)


def record(job_id: UUID, step: int) -> dict[str, Any] | None:
    """The event of a step, without what is true of all records; None where there is none."""
    found = Event.objects.filter(job=job_id, type="probe", data__step=step).order_by("seq").first()
    return None if found is None else {name: value for name, value in found.data.items() if name != "about"}


def blob(job_id: UUID, step: int, sentence: int) -> bytes | None:
    """A binary part as it is stored; None where there is none."""
    found = ProbeBlob.objects.filter(job=job_id, step=step, sentence=sentence).values_list("data", flat=True).first()
    return None if found is None else bytes(found)


def word_blobs(job_id: UUID) -> list[tuple[int, bytes]]:
    """The word vectors of all records by step, rising."""
    found = ProbeBlob.objects.filter(job=job_id, sentence=WORDS).order_by("step").values_list("step", "data")
    return [(step, bytes(data)) for step, data in found]
