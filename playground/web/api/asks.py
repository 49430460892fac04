"""`jobs/{id}/evaluate|sample|probe`: what a run does now, besides what its parameters say that it does then.

The answer is the run as it stands; what comes of the request is an event of the run, after the step that it is in.
"""

from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _

from playground.domain.errors import Conflict
from playground.ledger.asks import ask
from playground.web.access import SIGNED_IN, user_of
from playground.web.api import requests, schemas, schemas_runs
from playground.web.api.objects import job_json, job_of
from playground.web.api.routes import Noun

router = Noun(tags=["jobs"])


@router.post("/{uuid:id}/evaluate", auth=SIGNED_IN, response=schemas.Job, operation_id="evaluate_job")
def evaluate(request: HttpRequest, id: UUID) -> object:
    """Have a running run measure its loss on the held-out text now."""
    return job_json(ask(job_of(user_of(request), id), "evaluate"))


@router.post("/{uuid:id}/sample", auth=SIGNED_IN, response=schemas.Job, operation_id="sample_job")
def sample(request: HttpRequest, id: UUID, body: schemas_runs.SampleRequest) -> object:
    """Have a running run write a text now, with a prompt of one's own or with that of the run."""
    if body.prompt is not None:
        requests.refuse_zero({"prompt": body.prompt})
    return job_json(ask(job_of(user_of(request), id), "sample", body.prompt))


@router.post("/{uuid:id}/probe", auth=SIGNED_IN, response=schemas.Job, operation_id="probe_job")
def probe(request: HttpRequest, id: UUID) -> object:
    """Have a running run record its pinned sentences now. Refused with 409 where none is pinned."""
    job = job_of(user_of(request), id)
    if not job.params.get("probes"):
        raise Conflict(_("No sentence is pinned to this run."), code="nothing_pinned")
    return job_json(ask(job, "probe"))
