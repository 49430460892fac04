"""Submitting: one transaction makes the job, its inputs and its first event; the queued row itself is the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

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


def submit(
    owner: User,
    kind: str,
    params: BaseModel,
    inputs: Mapping[str, Artifact],
    name: str | None = None,
    idempotency_key: str | None = None,
    request_hash: str = "",
) -> tuple[Job, bool]:
    """Queue a job and return it with True; with False where the same request had made it before.

    `request_hash` identifies the body that came with `idempotency_key`; a key that comes again with another body, and
    an input that was deleted in the meantime, raise Conflict. Submissions of one key may race: one row wins.
    """
    key = idempotency_key or ""
    known = _known(owner, key, request_hash)
    if known:
        return known, False
    try:
        return _create(owner, kind, params, inputs, name or kind, key, request_hash), True
    except IntegrityError:
        # Either another request with the same key was faster, or an input is gone: only the first leaves a row.
        known = _known(owner, key, request_hash)
        if known is None:
            raise Conflict(_("One of the inputs was deleted a moment ago."), code="input_deleted") from None
        return known, False


def _known(owner: User, key: str, request_hash: str) -> Job | None:
    job = Job.objects.filter(owner=owner, idempotency_key=key).first() if key else None
    if job and job.request_hash != request_hash:
        raise Conflict(_("This Idempotency-Key was used for another request."), code="idempotency_key_reused")
    return job


@transaction.atomic
def _create(
    owner: User, kind: str, params: BaseModel, inputs: Mapping[str, Artifact], name: str, key: str, request_hash: str
) -> Job:
    job = Job.objects.create(
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
