"""`jobs/{id}/estimate` and `jobs/{id}/report`: what a run was expected to cost, and all of it as one page to keep."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.http import content_disposition_header

from playground.domain.kind import Estimate
from playground.web import report
from playground.web.access import SIGNED_IN, user_of
from playground.web.api import costs
from playground.web.api.artifacts import filename
from playground.web.api.objects import job_of
from playground.web.api.routes import Noun

router = Noun(tags=["jobs"])


@router.get("/{uuid:id}/estimate", auth=SIGNED_IN, response=Estimate, operation_id="get_estimate")
def estimate(request: HttpRequest, id: UUID) -> object:
    """What this run costs by the formulas, on the machine that would run it now; its inputs need not exist any more."""
    return costs.of_job(job_of(user_of(request), id))


@router.get(
    "/{uuid:id}/report",
    auth=SIGNED_IN,
    operation_id="get_report",
    openapi_extra={
        "responses": {200: {"description": "One HTML file that needs nothing else.", "content": {"text/html": {}}}}
    },
)
def get_report(request: HttpRequest, id: UUID) -> HttpResponse:
    """Curves, parameters, memory, samples, probes and receipt in one HTML file, in the language of the request."""
    job = job_of(user_of(request), id)
    response = HttpResponse(report.page(job), content_type="text/html; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(False, filename(job.name, ".html")) or "inline"
    # Its scripts run in an origin of their own: whatever the page holds, it can do nothing here.
    response["Content-Security-Policy"] = f"{report.POLICY}; sandbox allow-scripts allow-downloads"
    response["Cache-Control"] = "no-store"
    return response
