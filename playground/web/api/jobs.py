"""`jobs`: queue a run, look at it, steer it."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import P, QueryEx
from ninja.responses import Status as Answer

from playground.domain.errors import BadInput
from playground.domain.job import Status
from playground.domain.kind import Estimate
from playground.ledger import controls, series, states
from playground.ledger.models import Job
from playground.ledger.submit import submit
from playground.library import names
from playground.web.access import SIGNED_IN, user_of
from playground.web.api import requests, schemas
from playground.web.api.objects import job_json, job_of, jobs_json
from playground.web.api.receipts import receipt_of
from playground.web.api.routes import Noun
from playground.web.problems import encode

router = Noun(tags=["jobs"])
STATES = frozenset(status.value for status in Status)
MAX_LIST = 200


@router.post("", auth=SIGNED_IN, response={202: schemas.Job, 200: schemas.Job}, operation_id="submit_job")
def create(request: HttpRequest, response: HttpResponse, body: schemas.JobRequest) -> object:
    """Queue a run: 202 and Location. Once this is returned, the run survives the loss of any process.

    With an `Idempotency-Key` the same request again gives the same job, with 200; another one gives 409.
    """
    user, key = user_of(request), requests.key_of(request)
    order = requests.read(user, body)
    requests.refuse_misfits(order.estimate())
    mark = requests.fingerprint(body) if key else ""
    kind, memory = order.kind.name, order.memory
    job, created = submit(user, kind, order.params, order.inputs, order.name, key, mark, memory=memory)
    response["Location"] = f"/api/v1/jobs/{job.pk}"
    return Answer(202 if created else 200, job_json(job))


@router.post("/estimate", auth=SIGNED_IN, response=Estimate, operation_id="estimate_job")
def estimate(request: HttpRequest, body: schemas.JobRequest) -> object:
    """What a run would cost, without queueing it. What does not fit is said in `problems`."""
    return requests.read(user_of(request), body).estimate()


@router.get("", auth=SIGNED_IN, response=schemas.JobList, operation_id="list_jobs")
def list_jobs(
    request: HttpRequest,
    status: QueryEx[str | None, P(description="Only these states, separated by commas.")] = None,
    limit: QueryEx[int, P(ge=1, le=MAX_LIST)] = 50,
) -> object:
    """Your runs, newest first."""
    rows = Job.objects.filter(owner=user_of(request))
    if status is not None:
        rows = rows.filter(status__in=_states(status))
    return schemas.JobList(items=jobs_json(list(rows[:limit])))


@router.get("/{uuid:id}", auth=SIGNED_IN, response=schemas.Job, operation_id="get_job")
def get_job(request: HttpRequest, id: UUID) -> object:
    """A run as it stands now."""
    return job_json(job_of(user_of(request), id))


@router.patch("/{uuid:id}", auth=SIGNED_IN, response=schemas.Job, operation_id="rename_job")
def rename(request: HttpRequest, id: UUID, body: schemas.Rename) -> object:
    """Give a run another name."""
    job = job_of(user_of(request), id)
    Job.objects.filter(pk=job.pk).update(name=names.clean(body.name))
    return job_json(job_of(user_of(request), id))


@router.delete("/{uuid:id}", auth=SIGNED_IN, response={204: None}, operation_id="delete_job")
def delete(request: HttpRequest, id: UUID) -> object:
    """Remove a run that has ended, with its events and checkpoints; its model stays in the library."""
    job = job_of(user_of(request), id)
    controls.remove(job)
    states.forget(id)
    return None


@router.post("/{uuid:id}/stop", auth=SIGNED_IN, response=schemas.Job, operation_id="stop_job")
def stop(request: HttpRequest, id: UUID) -> object:
    """End a run early; it keeps the model as it is then."""
    return job_json(controls.request(job_of(user_of(request), id), "stop"))


@router.post("/{uuid:id}/pause", auth=SIGNED_IN, response=schemas.Job, operation_id="pause_job")
def pause(request: HttpRequest, id: UUID) -> object:
    """Write a checkpoint and give the worker free."""
    return job_json(controls.request(job_of(user_of(request), id), "pause"))


@router.post("/{uuid:id}/resume", auth=SIGNED_IN, response=schemas.Job, operation_id="resume_job")
def resume(request: HttpRequest, id: UUID) -> object:
    """Go on from the last checkpoint."""
    return job_json(controls.request(job_of(user_of(request), id), "resume"))


@router.get("/{uuid:id}/metrics", auth=SIGNED_IN, response=schemas.Metrics, operation_id="get_metrics")
def metrics(request: HttpRequest, id: UUID) -> HttpResponse:
    """All curves of a run, each step once."""
    found = series.metrics(job_of(user_of(request), id).pk)
    # Written as it is: to validate the many numbers that we stored ourselves would take longer than reading them.
    return HttpResponse(encode(found), content_type="application/json; charset=utf-8")


@router.get("/{uuid:id}/receipt", auth=SIGNED_IN, response=schemas.Receipt, operation_id="get_receipt")
def receipt(request: HttpRequest, id: UUID) -> object:
    """What is needed to repeat a run exactly."""
    return receipt_of(job_of(user_of(request), id))


def _states(given: str) -> list[str]:
    states = [part.strip() for part in given.split(",") if part.strip()]
    if not set(states) <= STATES:
        message = _("There is no such state; there are: {known}.").format(known=", ".join(sorted(STATES)))
        raise BadInput(message, {"status": [message]})
    return states
