"""`jobs/{id}/checkpoints` and `jobs/{id}/fork`: the states that a run has kept, and another run that goes on from one.

The state is linked into the new run's folder before the run is queued, so that nothing that happens to the old one
afterwards can take it away.
"""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja.responses import Status as Answer
from pydantic import BaseModel

from playground.domain.errors import Conflict
from playground.domain.fork import bound, misfits
from playground.ledger import states
from playground.ledger.models import Job
from playground.ledger.submit import Origin, submit, submitted
from playground.library.names import MAX_NAME
from playground.people.models import User
from playground.web.access import SIGNED_IN, user_of
from playground.web.api import requests, schemas, schemas_runs
from playground.web.api.objects import job_json, job_of
from playground.web.api.routes import Noun
from playground.web.problems import FieldError

router = Noun(tags=["jobs"])
BUDGETS = ("steps", "minutes", "tokens")


@router.get(
    "/{uuid:id}/checkpoints", auth=SIGNED_IN, response=schemas_runs.CheckpointList, operation_id="list_checkpoints"
)
def checkpoints(request: HttpRequest, id: UUID) -> object:
    """The states of a run that can be forked: the newest two, and a history that is spread over the run."""
    job = job_of(user_of(request), id)
    params = requests.kind_of(job).Params.model_validate(requests.known(job))
    found = [schemas_runs.CheckpointSchema(step=state.step, bytes=state.bytes) for state in states.states(job.pk)]
    return schemas_runs.CheckpointList(items=found, bound=[*bound(params), "minutes"])


@router.post("/{uuid:id}/fork", auth=SIGNED_IN, response={202: schemas.Job, 200: schemas.Job}, operation_id="fork_job")
def fork(request: HttpRequest, response: HttpResponse, id: UUID, body: schemas_runs.ForkRequest) -> object:
    """Queue a run that goes on from a state of this one, with other parameters: 202 and Location.

    Whatever belongs to the state itself (dimensions, vocabulary) is refused with its field. `Idempotency-Key` as for
    any run.
    """
    user, key = user_of(request), requests.key_of(request)
    parent = job_of(user, id)
    mark = requests.fingerprint(body, "fork", str(id)) if key else ""
    job = submitted(user, key or "", mark)
    if job is None:
        order = requests.read(user, schemas.JobRequest(kind=parent.kind, params=_params(parent, body), name=body.name))
        step = _step(parent, body.step)
        _refuse_misfits(parent, order, body.params, step)
        origin = Origin(parent=parent, relation="fork", steps=_plan(parent, body.params))
        usual = _("{name}, from step {step}").format(name=parent.name, step=step)[:MAX_NAME]
        name = usual if body.name is None else order.name
        job, created = begin(user, order, origin, step, name, key, mark)
    else:
        created = False
    response["Location"] = f"/api/v1/jobs/{job.pk}"
    return Answer(202 if created else 200, job_json(job))


def begin(
    user: User, order: requests.Order, origin: Origin, step: int, name: str, key: str | None, mark: str
) -> tuple[Job, bool]:
    """Lend the state at or before a step of the origin's parent to a new job, then queue it. Raises Conflict."""
    lent = states.lend(origin.parent.pk, step, origin.id) if origin.parent else None
    try:
        if lent is None:
            raise Conflict(_("The states of this run are not on this machine."), code="no_checkpoint")
        whole = Origin(
            id=origin.id, parent=origin.parent, parent_step=lent, relation=origin.relation, steps=origin.steps
        )
        kind, memory = order.kind.name, order.memory
        job, created = submit(user, kind, order.params, order.inputs, name, key, mark, whole, memory)
    except BaseException:
        states.forget(origin.id)
        raise
    if not created:
        states.forget(origin.id)
    return job, created


def _params(parent: Job, body: schemas_runs.ForkRequest) -> dict[str, Any]:
    """The parent's parameters with the changed ones: one budget replaces another, another text is cut as before."""
    params = requests.known(parent)
    given = {name for name in BUDGETS if body.params.get(name) is not None}
    params |= dict.fromkeys(BUDGETS) if given and set(BUDGETS) <= set(params) else {}
    params |= body.params
    other_text = params.get("corpus") != parent.params.get("corpus")
    if other_text and "tokenizer" in params and params["tokenizer"] is None and parent.tokenizer_id:
        params["tokenizer"] = str(parent.tokenizer_id)
    return params


def _step(parent: Job, wanted: int | None) -> int:
    """The step of the state that will be taken. Raises Conflict where there is none."""
    before = [state.step for state in states.states(parent.pk) if wanted is None or state.step <= wanted]
    if before:
        return before[-1]
    if parent.step:
        raise Conflict(_("No state of this run at or before that step is kept on this machine."), code="no_checkpoint")
    raise Conflict(_("The run has not made a step yet."), code="no_checkpoint")


def _plan(parent: Job, changes: dict[str, Any]) -> int | None:
    """The steps that the parent's minutes came to: a fork that keeps them has the same end."""
    return parent.steps if parent.params.get("minutes") is not None and not set(BUDGETS) & set(changes) else None


def _refuse_misfits(parent: Job, order: requests.Order, changes: dict[str, Any], step: int) -> None:
    before: BaseModel = order.kind.Params.model_validate(requests.known(parent))
    after: BaseModel = order.params
    kept = {"tokenizer"} if getattr(after, "tokenizer", None) == str(parent.tokenizer_id) else set()
    errors = [
        FieldError(
            field=f"params.{misfit.field}",
            message=_("This belongs to the state from which the fork goes on, and stays {was}.").format(was=misfit.was),
        )
        for misfit in misfits(before, after)
        if misfit.field not in kept
    ]
    other_text = order.params.model_dump().get("corpus") != parent.params.get("corpus")
    if other_text and order.kind.tokenizer and getattr(after, "tokenizer", None) is None:
        text = _("Another text needs the tokenizer of this run, which was deleted.")
        errors.append(FieldError(field="params.corpus", message=text))
    if changes.get("minutes") is not None:
        errors.append(FieldError(field="params.minutes", message=_("A fork counts its budget in steps or in tokens.")))
    if errors:
        raise requests.refusal(errors)
    estimate = order.estimate()
    if getattr(after, "minutes", None) is None and estimate.steps is not None and estimate.steps <= step:
        budget = "tokens" if getattr(after, "tokens", None) is not None else "steps"
        text = _("The fork begins after step {step}: its budget must reach beyond.").format(step=step)
        raise requests.refusal([FieldError(field=f"params.{budget}", message=text)])
    requests.refuse_misfits(estimate)
