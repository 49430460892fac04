"""The receipt of a run: what one needs to repeat it exactly, as far as it has come."""

import json

from playground.ledger.models import Attempt, Job, JobInput
from playground.library import artifacts
from playground.web.api import schemas

FILE = "receipt.json"


def receipt_of(job: Job) -> schemas.Receipt:
    """Kind, parameters, inputs by hash and the attempts with their environments; with a model, its own receipt."""
    inputs = {
        use.role: schemas.ReceiptInput(name=use.name, sha256=use.sha256) for use in JobInput.objects.filter(job=job)
    }
    attempts = [
        schemas.ReceiptAttempt(
            number=row.number,
            device=row.device,
            started_at=row.started_at,
            ended_at=row.ended_at,
            outcome=row.outcome or None,
            resume_step=row.resume_step,
            environment=row.environment,
        )
        for row in Attempt.objects.filter(job=job)
    ]
    return schemas.Receipt(
        job=job.pk,
        kind=job.kind,
        name=job.name,
        status=job.status,
        params=job.params,
        inputs=inputs,
        steps=job.step,
        attempts=attempts,
        model=_of_model(job),
    )


def _of_model(job: Job) -> dict[str, object] | None:
    """The receipt that the engine put into the model's folder."""
    if job.model is None:
        return None
    try:
        found = json.loads((artifacts.path_of(job.model) / FILE).read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
