"""From rows to the API's shapes, and from ids to rows: what is not the user's is not found."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from playground.domain.errors import NotFound
from playground.domain.job import Status
from playground.ledger import models as ledger
from playground.ledger import presence, queue
from playground.library import artifacts
from playground.library.models import Artifact, Kind
from playground.people.models import User
from playground.web.api import schemas
from playground.web.api.schemas_house import WorkerSchema
from playground.web.catalogue import sentence

NOUNS = {Kind.CORPUS: "corpora", Kind.TOKENIZER: "tokenizers", Kind.MODEL: "models"}
LOOK_BACK = timedelta(hours=1)


def artifact_of(user: User, kind: str, id: UUID) -> Artifact:
    """The user's or a shared artifact. Raises NotFound."""
    found = artifacts.for_user(user, kind).filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such thing in your library."))
    return found


def job_of(user: User, id: UUID) -> ledger.Job:
    """The user's job. Raises NotFound."""
    found = ledger.Job.objects.filter(owner=user, pk=id).first()
    if found is None:
        raise NotFound(_("There is no such run."))
    return found


def artifact_json(row: Artifact, in_use: int = 0) -> schemas.Artifact:
    """One artifact; a corpus has its numbers at the top as well."""
    values = {
        "id": row.pk,
        "kind": row.kind,
        "name": row.name,
        "sha256": row.sha256,
        "bytes": row.bytes,
        "created_at": row.created_at,
        "shared": row.shared,
        "meta": row.meta,
        "origin": row.origin,
        "in_use": in_use,
        "url": f"/api/v1/{NOUNS[Kind(row.kind)]}/{row.pk}",
    }
    if row.kind == Kind.CORPUS:
        numbers = {name: row.meta[name] for name in ("characters", "lines", "language_mix")}
        return schemas.Corpus.model_validate(values | numbers)
    return schemas.Artifact.model_validate(values)


def artifact_list(rows: Sequence[Artifact]) -> list[schemas.Artifact]:
    """Many artifacts, with two queries."""
    used = queue.in_use([row.pk for row in rows])
    return [artifact_json(row, used[row.pk]) for row in rows]


def jobs_json(rows: Sequence[ledger.Job]) -> list[schemas.Job]:
    """Many jobs, with a fixed number of queries."""
    reasons = queue.reasons(rows)
    inputs: dict[UUID, dict[str, schemas.InputReference]] = {}
    for use in ledger.JobInput.objects.filter(job__in=rows):
        reference = schemas.InputReference(id=use.artifact_id, name=use.name)
        inputs.setdefault(use.job_id, {})[use.role] = reference
    active = [row.pk for row in rows if row.is_active]
    tries = {(row.job_id, row.number): row for row in ledger.Attempt.objects.filter(job__in=active)} if active else {}
    return [_job(row, reasons[row.pk], inputs.get(row.pk, {}), tries.get((row.pk, row.attempt))) for row in rows]


def job_json(row: ledger.Job) -> schemas.Job:
    """One job."""
    return jobs_json([row])[0]


def _job(
    row: ledger.Job,
    reason: queue.Reason | None,
    inputs: dict[str, schemas.InputReference],
    attempt: ledger.Attempt | None,
) -> schemas.Job:
    done = row.status == Status.DONE
    progress = 1.0 if done else min(1.0, row.step / row.steps) if row.steps else 0.0
    failed = row.status == Status.FAILED
    return schemas.Job(
        id=row.pk,
        kind=row.kind,
        name=row.name,
        status=row.status,
        desired=row.desired,
        reason=schemas.Reason(code=reason.code, message=reason.message) if reason else None,
        attempt=row.attempt,
        step=row.step,
        steps=row.steps,
        progress=round(progress, 4),
        seconds_left=_seconds_left(row, attempt),
        device=attempt.device if attempt else None,
        params=row.params,
        inputs=inputs,
        tokenizer=row.tokenizer_id,
        model=row.model_id,
        error=schemas.Failure(failure=row.failure, message=sentence(row.error)) if failed else None,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        last_seq=row.last_seq,
        url=f"/api/v1/jobs/{row.pk}",
        parent=row.parent_id,
        parent_step=row.parent_step,
        relation=row.relation,
        sweep=row.sweep,
        varied=row.varied,
    )


def _seconds_left(row: ledger.Job, attempt: ledger.Attempt | None) -> float | None:
    """By the pace of this attempt so far; None until it has made a step, or where no end is known."""
    if attempt is None or row.steps is None or row.step_at is None or row.step <= attempt.resume_step:
        return None
    pace = (row.step_at - attempt.started_at).total_seconds() / (row.step - attempt.resume_step)
    return round(max(0.0, pace * (row.steps - row.step)), 1)


def workers_json(workers: Iterable[ledger.Worker]) -> list[WorkerSchema]:
    """The workers, with how long ago each was seen."""
    now = timezone.now()
    return [
        WorkerSchema(
            name=worker.name,
            queue=worker.queue,
            device=worker.device,
            threads=worker.threads,
            memory=worker.memory,
            slots=worker.slots,
            devices=worker.devices,
            speed=worker.speed,
            seen_s=round(max(0.0, (now - worker.seen_at).total_seconds()), 1),
        )
        for worker in workers
    ]


def best_worker() -> ledger.Worker | None:
    """The train worker with the most memory: of those alive, else of those seen within the hour."""
    alive = presence.alive("train").order_by("-memory").first()
    if alive is not None:
        return alive
    lately = ledger.Worker.objects.filter(queue="train", seen_at__gte=Now() - LOOK_BACK)
    return lately.order_by("-memory").first()
