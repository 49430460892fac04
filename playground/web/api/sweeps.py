"""`sweeps`: one run for each value of a parameter, or each pair of values of two, queued all together or not at all.

A sweep is no object of its own: it is what its runs have in common, and lasts as long as one of them.
"""

from itertools import product
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja.responses import Status as Answer

from playground.domain.errors import BadInput, Conflict, NotFound
from playground.domain.registry import kinds
from playground.ledger import controls
from playground.ledger.models import Event, Job
from playground.ledger.submit import Origin, submit, submitted
from playground.library.names import MAX_NAME
from playground.people.models import User
from playground.web.access import SIGNED_IN, user_of
from playground.web.api import requests, schemas, schemas_runs
from playground.web.api.objects import jobs_json
from playground.web.api.routes import Noun
from playground.web.catalogue import sentence
from playground.web.problems import FieldError

router = Noun(tags=["sweeps"])
MOST = 24
"""Runs of one sweep: as many curves as one picture can tell apart, and as many as a worker does in an evening."""
FIELDS = 2


@router.post(
    "", auth=SIGNED_IN, response={202: schemas_runs.Sweep, 200: schemas_runs.Sweep}, operation_id="submit_sweep"
)
def create(request: HttpRequest, response: HttpResponse, body: schemas_runs.SweepRequest) -> object:
    """Queue every combination of the values: 202 and Location, or one document that names each value that is wrong.

    `Idempotency-Key` as for any run.
    """
    user, key = user_of(request), requests.key_of(request)
    mark = requests.fingerprint(body, "sweep") if key else ""
    sweep = uuid5(NAMESPACE_URL, f"sweep:{user.pk}:{key}") if key else uuid4()
    first = submitted(user, f"{sweep}:0", mark) if key else None
    if first is None:
        orders = _read(user, body)
        with transaction.atomic():
            for number, (values, order) in enumerate(orders):
                name = f"{order.name} · {_told(order, values)}"[:MAX_NAME]
                origin = Origin(sweep=sweep, varied=values)
                own = f"{sweep}:{number}" if key else None
                kind, memory = order.kind.name, order.memory
                submit(user, kind, order.params, order.inputs, name, own, mark, origin, memory)
    response["Location"] = f"/api/v1/sweeps/{sweep}"
    return Answer(202 if first is None else 200, sweep_json(user, sweep))


@router.get("/{uuid:id}", auth=SIGNED_IN, response=schemas_runs.Sweep, operation_id="get_sweep")
def get_sweep(request: HttpRequest, id: UUID) -> object:
    """The runs of a sweep with what varies between them and what has come of each so far."""
    return sweep_json(user_of(request), id)


@router.post("/{uuid:id}/stop", auth=SIGNED_IN, response=schemas_runs.Sweep, operation_id="stop_sweep")
def stop(request: HttpRequest, id: UUID) -> object:
    """Stop every run of a sweep that has not ended."""
    user = user_of(request)
    for job in runs_of(user, id):
        if not job.is_terminal:
            try:
                controls.request(job, "stop")
            except (Conflict, NotFound):
                continue  # it has ended, or was removed, a moment ago
    return sweep_json(user, id)


def runs_of(user: User, sweep: UUID) -> list[Job]:
    """The runs of a sweep, in the order in which they were queued. Raises NotFound."""
    found = list(Job.objects.filter(owner=user, sweep=sweep).order_by("created_at", "pk"))
    if not found:
        raise NotFound(_("There is no such sweep."))
    return found


def sweep_json(user: User, sweep: UUID) -> schemas_runs.Sweep:
    """A sweep as it stands."""
    rows = runs_of(user, sweep)
    # In the order of the form: PostgreSQL keeps the names of a JSON object in an order of its own.
    fields = list(kinds()[rows[0].kind].Params.model_fields)
    over: dict[str, list[Any]] = {name: [] for name in sorted(rows[0].varied, key=fields.index)}
    for row in rows:
        row.varied = {name: row.varied[name] for name in over}
        for name, value in row.varied.items():
            if value not in over[name]:
                over[name].append(value)
    for values in over.values():
        values.sort(key=lambda value: (0, value, "") if isinstance(value, int | float) else (1, 0, str(value)))
    rows.sort(key=lambda row: [over[name].index(row.varied[name]) for name in over])
    items = [_item(row, told) for row, told in zip(rows, jobs_json(rows), strict=True)]
    judged = [(item.best_val_loss, number) for number, item in enumerate(items) if item.best_val_loss is not None]
    best = items[min(judged)[1]].job.id if judged else None
    url = f"/api/v1/sweeps/{sweep}"
    return schemas_runs.Sweep(id=sweep, kind=rows[0].kind, over=over, items=items, best=best, url=url)


def _item(row: Job, told: schemas.Job) -> schemas_runs.SweepItem:
    written = Event.objects.filter(job=row, type="metrics")
    newest = written.filter(data__has_key="loss").order_by("-seq").values_list("data", flat=True).first()
    held_out = [
        (value, step)
        for data in written.filter(data__has_key="val_loss").order_by("seq").values_list("data", flat=True)
        for step, value in zip(data["step"], data["val_loss"], strict=True)
        if value is not None
    ]
    best = min(held_out, default=(None, None))
    return schemas_runs.SweepItem(
        job=told,
        values=row.varied,
        loss=newest["loss"][-1] if newest else None,
        val_loss=held_out[-1][0] if held_out else None,
        best_val_loss=best[0],
        best_step=best[1],
    )


def _read(user: User, body: schemas_runs.SweepRequest) -> list[tuple[dict[str, Any], requests.Order]]:
    """Every combination as a run that is well formed and fits. Raises BadInput naming each value that is wrong."""
    _check_form(body)
    errors: dict[tuple[str, str], FieldError] = {}
    found = []
    for numbers in product(*(range(len(values)) for values in body.over.values())):
        values = {name: body.over[name][number] for name, number in zip(body.over, numbers, strict=True)}
        params = {**body.params, **values}
        try:
            order = requests.read(user, schemas.JobRequest(kind=body.kind, params=params, name=body.name))
            requests.refuse_misfits(order.estimate())
            found.append((values, order))
        except BadInput as refused:
            for field, texts in refused.fields.items():
                name = field.removeprefix("params.")
                place = f"over.{name}.{numbers[list(body.over).index(name)]}" if name in body.over else field
                errors |= {(place, text): FieldError(field=place, message=text) for text in texts}
    if errors:
        raise requests.refusal(list(errors.values()))
    return found


def _check_form(body: schemas_runs.SweepRequest) -> None:
    if not 1 <= len(body.over) <= FIELDS:
        raise requests.refusal([FieldError(field="over", message=_("One or two parameters can be varied."))])
    errors = []
    runs = 1
    for name, values in body.over.items():
        runs *= len(values)
        few = values[: MOST + 1]  # more are refused for their number, and not compared with each other first
        if len(few) < 2 or any(value in few[:place] for place, value in enumerate(few)):
            errors.append(FieldError(field=f"over.{name[:80]}", message=_("Give at least two values, each once.")))
    if runs > MOST:
        text = _("These are {runs} runs; a sweep has at most {most}.").format(runs=runs, most=MOST)
        errors.append(FieldError(field="over", message=text))
    if errors:
        raise requests.refusal(errors)


def _told(order: requests.Order, values: dict[str, Any]) -> str:
    """The values as part of a run's name."""
    fields = order.kind.Params.model_fields
    return ", ".join(f"{sentence(fields[name].title or name)} {value}" for name, value in values.items())
