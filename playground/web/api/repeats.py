"""`jobs/{id}/repeat`: run it again, and say whether it came out the same to the last digit.

What is compared are the numbers that both runs have stored; where they differ, so may the receipts, line by line.
"""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja.responses import Status as Answer

from playground.domain.errors import NotFound
from playground.ledger.models import Attempt, Job
from playground.ledger.series import first_difference, metrics
from playground.ledger.submit import Origin, submit, submitted
from playground.library.names import MAX_NAME
from playground.web.access import SIGNED_IN, user_of
from playground.web.api import requests, schemas, schemas_runs
from playground.web.api.forks import begin
from playground.web.api.objects import job_json, job_of
from playground.web.api.receipts import receipt_of
from playground.web.api.routes import Noun

router = Noun(tags=["jobs"])
COMPARED = ("loss", "grad_norm", "val_loss")


@router.post(
    "/{uuid:id}/repeat", auth=SIGNED_IN, response={202: schemas.Job, 200: schemas.Job}, operation_id="repeat_job"
)
def repeat(request: HttpRequest, response: HttpResponse, id: UUID, body: schemas_runs.RepeatRequest) -> object:
    """Queue the same run again, from where it began: 202 and Location. `Idempotency-Key` as for any run."""
    user, key = user_of(request), requests.key_of(request)
    parent = job_of(user, id)
    mark = requests.fingerprint(body, "repeat", str(id)) if key else ""
    job, created = submitted(user, key or "", mark), False
    if job is None:
        own = {} if body.threads is None else {"threads": body.threads}
        params = {**requests.known(parent), **own}
        order = requests.read(user, schemas.JobRequest(kind=parent.kind, params=params))
        requests.refuse_misfits(order.estimate())
        name = _("{name}, repeated").format(name=parent.name)[:MAX_NAME]
        origin = Origin(parent=parent, relation="repeat", steps=parent.steps)
        if parent.parent_step is not None:
            job, created = begin(user, order, origin, parent.parent_step, name, key, mark)
        else:
            kind, memory = order.kind.name, order.memory
            job, created = submit(user, kind, order.params, order.inputs, name, key, mark, origin, memory)
    response["Location"] = f"/api/v1/jobs/{job.pk}"
    return Answer(202 if created else 200, job_json(job))


@router.get("/{uuid:id}/repeat", auth=SIGNED_IN, response=schemas_runs.RepeatVerdict, operation_id="get_repeat")
def verdict(request: HttpRequest, id: UUID) -> object:
    """Whether a repeat is the same as the run before it, or where it first differs and in what they do."""
    job = job_of(user_of(request), id)
    if job.relation != "repeat" or job.parent is None:
        raise NotFound(_("This run repeats no other."))
    before = job.parent
    steps, first = first_difference(metrics(before.pk)["series"], metrics(job.pk)["series"], COMPARED)
    open_ended = not (job.is_terminal and before.is_terminal)
    said = "differs" if first else "running" if open_ended else "identical" if steps else "nothing"
    return schemas_runs.RepeatVerdict.model_validate(
        {
            "of": before.pk,
            "name": before.name,
            "verdict": said,
            "steps": steps,
            "step": first["step"] if first else None,
            "series": first["series"] if first else None,
            "values": first["values"] if first else None,
            "environment": differing(environment_of(before), environment_of(job)),
        }
    )


def environment_of(job: Job) -> dict[str, Any]:
    """What the numbers of a run depend on besides its parameters: of its last attempt, and of its model's receipt."""
    attempt = Attempt.objects.filter(job=job).last()
    receipt = receipt_of(job).model or {}
    written = receipt.get("environment")
    return {**(attempt.environment if attempt else {}), **(written if isinstance(written, dict) else {})}


def differing(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    """The lines of two environments that are not equal. What only one has said, as its model is not there, is none."""
    names = [name for name in before if name in after and before[name] != after[name]]
    return [{"name": name, "before": before[name], "after": after[name]} for name in names]
