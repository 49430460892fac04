"""`jobs/{id}/probes`: the pinned sentences of a run, as they looked from inside at each recorded step.

A record never changes once it is there, so a browser may keep it; only the index and the points grow with the run.
"""

import hashlib
import zlib
from typing import Any
from uuid import UUID

import numpy as np
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from ninja import P, QueryEx

from playground.domain import arrays, probing
from playground.domain.errors import NotFound
from playground.ledger import probes
from playground.ledger.models import Job
from playground.web.access import SIGNED_IN, user_of
from playground.web.api import schemas_probes as schemas
from playground.web.api.objects import job_of
from playground.web.api.routes import Noun
from playground.web.problems import encode

router = Noun(tags=["jobs"])
FOREVER = "private, max-age=31536000, immutable"
BYTES = {"schema": {"type": "string", "format": "binary"}}
SHAPE = {
    "description": "Layers, heads, looking tokens, tokens looked at.",
    "schema": {"type": "string", "example": "4, 4, 12, 12"},
}
ATTENTION = {
    200: {
        "description": "Bytes c of weights (c / 255)², in the order of the header X-Shape.",
        "content": {"application/octet-stream": BYTES},
        "headers": {"X-Shape": SHAPE},
    }
}


@router.get("/{uuid:id}/probes", auth=SIGNED_IN, response=schemas.ProbeIndex, operation_id="get_probes")
def index(request: HttpRequest, id: UUID) -> HttpResponse:
    """The sentences with their tokens, and the steps that are recorded so far."""
    found = probes.index(job_of(user_of(request), id).pk)
    shown = schemas.ProbeIndex.model_validate({**(found["about"] or {}), "steps": found["steps"]})
    return _answer(request, shown.model_dump_json(), "no-cache")


@router.get("/{uuid:id}/probes/points", auth=SIGNED_IN, response=schemas.ProbePoints, operation_id="get_probe_points")
def points(request: HttpRequest, id: UUID) -> HttpResponse:
    """The followed words as points in the plane, at every recorded step."""
    job = job_of(user_of(request), id)
    about = _about(job)
    words, found = about["words"], probes.word_blobs(job.pk)
    raw = [np.frombuffer(zlib.decompress(data), dtype="<f4").reshape(len(words), -1) for _step, data in found]
    seen = probing.points(np.stack(raw)) if raw else np.zeros((0, len(words), 2), np.float32)
    shown = {"words": words, "vectors": about["vectors"], "steps": [step for step, _data in found]}
    return _answer(request, encode({**shown, "points": arrays.pack(seen)}), "no-cache")


@router.get(
    "/{uuid:id}/probes/{int:step}", auth=SIGNED_IN, response=schemas.ProbeRecord, operation_id="get_probe_record"
)
def record(request: HttpRequest, id: UUID, step: int) -> HttpResponse:
    """What one step was like: predictions, layers and the text, if one was written."""
    found = probes.record(job_of(user_of(request), id).pk, step)
    if found is None:
        raise NotFound(_("Step {step} was not recorded.").format(step=step))
    return _answer(request, encode(found), FOREVER)


@router.get(
    "/{uuid:id}/probes/{int:step}/{int:sentence}/attention",
    auth=SIGNED_IN,
    operation_id="get_probe_attention",
    openapi_extra={"responses": ATTENTION},
)
def attention(
    request: HttpRequest,
    id: UUID,
    step: int,
    sentence: int,
    layer: QueryEx[int | None, P(ge=0, description="Only this layer, from 0.")] = None,
) -> HttpResponse:
    """The attention of one sentence, one byte a weight. One head stands for a layer of which the mean was kept."""
    job = job_of(user_of(request), id)
    about = _about(job)
    codes = probes.blob(job.pk, step, sentence)
    if codes is None or sentence >= len(about["sentences"]):
        raise NotFound(_("There is no attention of this sentence at step {step}.").format(step=step))
    tokens = len(about["sentences"][sentence]["tokens"])
    every = np.frombuffer(zlib.decompress(codes), dtype=np.uint8).reshape(about["layers"], -1, tokens, tokens)
    if layer is not None:
        if layer >= len(every):
            raise NotFound(_("The model has {layers} layers.").format(layers=len(every)))
        every = every[layer : layer + 1]
    response = _answer(request, every.tobytes(), FOREVER, "application/octet-stream")
    response["X-Shape"] = ", ".join(map(str, every.shape))
    return response


def _about(job: Job) -> dict[str, Any]:
    """What the first record told. Raises NotFound where there is none yet."""
    about = probes.index(job.pk)["about"]
    if about is None:
        raise NotFound(_("Nothing of this run is recorded yet."))
    return about


def _answer(
    request: HttpRequest, content: str | bytes, cache: str, content_type: str = "application/json; charset=utf-8"
) -> HttpResponse:
    """An answer with the hash of its content, which is empty for a browser that has it."""
    raw = content.encode() if isinstance(content, str) else content
    response = HttpResponse(raw, content_type=content_type)
    etag = f'"{hashlib.sha256(raw).hexdigest()[:32]}"'
    response["ETag"], response["Cache-Control"] = etag, cache
    return get_conditional_response(request, etag, None, response) or response
