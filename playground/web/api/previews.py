"""`jobs/preview`: the batches of a run before it is queued, exactly as its loop will get them."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from pydantic import Field

from playground.domain.errors import BadInput, Unavailable
from playground.domain.preview import MAX_BATCHES, RunPreview
from playground.domain.training import MAX_STEPS
from playground.web import inspect
from playground.web.access import SIGNED_IN, user_of
from playground.web.api import requests, schemas
from playground.web.api.routes import Noun
from playground.web.catalogue import sentence
from playground.web.database import query

router = Noun(tags=["jobs"])
MAX_MICRO = 255


class PreviewRequest(schemas.Given):
    """A run as it would be queued, and which of its batches are wanted: `micro` counts those of one step from 0."""

    kind: str = Field(max_length=80)
    params: dict[str, Any]
    step: int = Field(1, ge=1, le=MAX_STEPS)
    micro: int = Field(0, ge=0, le=MAX_MICRO)
    batches: int = Field(1, ge=1, le=MAX_BATCHES)


@router.post("/preview", auth=SIGNED_IN, response=RunPreview, operation_id="preview_job")
async def preview(request: HttpRequest, body: PreviewRequest) -> object:
    """What the network would see: batches with their labels, masks, segments and examples. Queues nothing.

    A text that has not been cut into tokens yet is cut now, unless it is large: then the answer says so.
    """
    run = schemas.JobRequest(kind=body.kind, params=body.params)
    order = await query(lambda: requests.read(user_of(request), run))
    if order.kind.work != "train":
        message = _("A run of this kind feeds no network, so that there are no batches to show.")
        raise BadInput(message, {"kind": [message]})
    asked = {
        "kind": order.kind.name,
        "params": order.params.model_dump(mode="json"),
        **body.model_dump(include={"step", "micro", "batches"}),
    }
    inputs = {role: {"kind": row.kind, "sha256": row.sha256, "meta": row.meta} for role, row in order.inputs.items()}
    found = await _asked(asked, inputs)
    found["notes"] = [sentence(note) for note in found["notes"]]
    return HttpResponse(
        RunPreview.model_validate(found).model_dump_json(), content_type="application/json; charset=utf-8"
    )


async def _asked(asked: inspect.Frame, inputs: inspect.Frame) -> inspect.Frame:
    """The parts of the answer as one. Fields that the worker names are parameters of the run."""
    head: inspect.Frame = {}
    batches = []
    try:
        async for frame in inspect.stream("preview", asked, inputs=inputs):
            if "head" in frame:
                head = frame["head"]
            else:
                batches.append(frame["batch"])
    except BadInput as error:
        fields = {f"params.{name}": said for name, said in error.fields.items() if name != "file"}
        raise BadInput(error.message, fields, code=error.code) from None
    if not batches:
        raise Unavailable(_("The inspect worker cannot be reached now. Try again in a moment."))
    return {**head, "batches": batches}
