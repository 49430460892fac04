"""The estimate of a run that is in the ledger already, from its parameters and what is left of its inputs."""

from django.utils.translation import gettext as _
from pydantic import ValidationError

from playground.domain.errors import Conflict
from playground.domain.kind import Estimate
from playground.domain.registry import kinds
from playground.ledger.models import Job
from playground.web.api import requests


def of_job(job: Job) -> Estimate:
    """The estimate for the machine that would run it now. Raises Conflict for parameters of another version."""
    params = requests.known(job)
    kind = kinds()[job.kind]
    uses = job.job_inputs.select_related("artifact")
    inputs = {use.role: use.artifact for use in uses if use.artifact is not None}
    try:
        return requests.Order(kind, kind.Params.model_validate(params), inputs, job.name).estimate()
    except ValidationError:
        raise Conflict(_("The parameters of this run are of another version; its cost is not known.")) from None
