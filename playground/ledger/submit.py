"""Submitting: one transaction makes the job, its inputs and its first event; the queued row itself is the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from pydantic import BaseModel

from playground.domain.errors import Conflict
from playground.domain.job import Status
from playground.ledger.doorbell import ring
from playground.ledger.models import Job, JobInput
from playground.ledger.rows import status_row, write
from playground.library.models import Artifact
from playground.people.models import User


@dataclass(frozen=True)
class Origin:
    """Where a job comes from, if not from a form alone; the fields are those of Job.

    A fork stands at its `parent_step` from the beginning, a repeat has the `steps` that the run before it had planned.
    """

    id: UUID = field(default_factory=uuid4)
    parent: Job | None = None
    parent_step: int | None = None
    relation: str = ""
    steps: int | None = None
    sweep: UUID | None = None
    varied: Mapping[str, Any] = field(default_factory=dict)


def submit(
    owner: User,
    kind: str,
    params: BaseModel,
    inputs: Mapping[str, Artifact],
    name: str | None = None,
    idempotency_key: str | None = None,
    request_hash: str = "",
    origin: Origin | None = None,
    memory: int | None = None,
) -> tuple[Job, bool]:
    """Queue a job and return it with True; with False where the same request had made it before.

    `memory` is the estimate of the bytes that it needs on each of its devices.
    `request_hash` identifies the body that came with `idempotency_key`; a key that comes again with another body, and
    an input that was deleted in the meantime, raise Conflict. Submissions of one key may race: one row wins.
    """
    key = idempotency_key or ""
    known = submitted(owner, key, request_hash)
    if known:
        return known, False
    try:
        whole = origin or Origin()
        return _create(owner, kind, params, inputs, name or kind, key, request_hash, whole, memory), True
    except IntegrityError:
        # Either another request with the same key was faster, or an input is gone: only the first leaves a row.
        known = submitted(owner, key, request_hash)
        if known is None:
            raise Conflict(_("One of the inputs was deleted a moment ago."), code="input_deleted") from None
        return known, False


def submitted(owner: User, key: str, request_hash: str) -> Job | None:
    """Return what a request with this key has made before; raises Conflict where that was another request."""
    job = Job.objects.filter(owner=owner, idempotency_key=key).first() if key else None
    if job and job.request_hash != request_hash:
        raise Conflict(_("This Idempotency-Key was used for another request."), code="idempotency_key_reused")
    return job


@transaction.atomic
def _create(
    owner: User,
    kind: str,
    params: BaseModel,
    inputs: Mapping[str, Artifact],
    name: str,
    key: str,
    request_hash: str,
    origin: Origin,
    memory: int | None,
) -> Job:
    job = Job.objects.create(
        id=origin.id,
        parent=origin.parent,
        parent_step=origin.parent_step,
        relation=origin.relation,
        step=origin.parent_step or 0,
        steps=origin.steps,
        memory=memory,
        sweep=origin.sweep,
        varied=dict(origin.varied),
        owner=owner,
        kind=kind,
        name=name,
        params=params.model_dump(mode="json"),
        idempotency_key=key,
        request_hash=request_hash,
    )
    JobInput.objects.bulk_create(
        JobInput(job=job, role=role, artifact=artifact, name=artifact.name, sha256=artifact.sha256)
        for role, artifact in inputs.items()
    )
    write(job, [status_row(Status.QUEUED, 0, "submitted")])
    transaction.on_commit(partial(ring, job.pk), robust=True)
    job.refresh_from_db()
    return job
