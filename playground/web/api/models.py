"""`models`: networks as Hugging Face folders, and the text that they write."""

from collections.abc import AsyncGenerator, AsyncIterator
from uuid import UUID

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from ninja import File, Form, UploadedFile
from ninja.responses import Status

from playground.domain.errors import VitrineError
from playground.library import networks
from playground.library.models import Kind
from playground.web import inspect
from playground.web.access import SIGNED_IN, user_of
from playground.web.api import schemas
from playground.web.api.artifacts import add_routes, attachment, filename, folder_of, name_of_upload, path_of_upload
from playground.web.api.objects import artifact_json, artifact_of
from playground.web.api.routes import Noun
from playground.web.database import query
from playground.web.problems import encode

router = Noun(tags=["models"])
add_routes(router, Kind.MODEL, "models")
NDJSON = "application/x-ndjson"


@router.post("", auth=SIGNED_IN, response={201: schemas.Artifact}, operation_id="upload_model")
def upload(request: HttpRequest, file: File[UploadedFile], name: Form[str | None] = None) -> object:
    """Upload the zip of a Hugging Face folder with safetensors. A worker opens it before it is taken."""
    given = name_of_upload(request, file, name, "model")
    row = networks.add(
        user_of(request),
        path_of_upload(file),
        given,
        lambda folder: inspect.ask_now("check_model", {"path": str(folder)}),
    )
    return Status(201, artifact_json(row))


@router.get("/{uuid:id}/download", auth=SIGNED_IN, operation_id="download_model")
def download(request: HttpRequest, id: UUID) -> HttpResponseBase:
    """The model's folder as a zip: plain `transformers` opens it."""
    row = artifact_of(user_of(request), Kind.MODEL, id)
    return attachment(networks.zipped(folder_of(row)), filename(row.name, ".zip"), "application/zip")


@router.post(
    "/{uuid:id}/generate",
    auth=SIGNED_IN,
    operation_id="generate",
    openapi_extra={"responses": {200: {"description": "One JSON object a line (GenerateFrame)."}}},
)
async def generate(request: HttpRequest, id: UUID, body: schemas.Generate) -> HttpResponseBase:
    """Write on, token by token, as one JSON object a line: first the prompt's tokens, then each new one.

    What goes wrong before the first line is a problem document; after it, a last line {"error": {...}}.
    """
    row = await query(lambda: artifact_of(user_of(request), Kind.MODEL, id))
    frames = inspect.stream("generate", body.model_dump(), row.sha256)
    try:
        first = await anext(frames, None)
    except VitrineError:
        await frames.aclose()
        raise
    response = StreamingHttpResponse(_lines(first, frames), content_type=NDJSON)
    response["Cache-Control"] = "no-store"
    # A proxy in front would otherwise collect the tokens before it passes them on.
    response["X-Accel-Buffering"] = "no"
    return response


@router.post("/{uuid:id}/fill", auth=SIGNED_IN, response=schemas.Filled, operation_id="fill")
async def fill(request: HttpRequest, id: UUID, body: schemas.Fill) -> object:
    """Fill in the blanks of a text: the likeliest words for each [MASK], from a masked model."""
    row = await query(lambda: artifact_of(user_of(request), Kind.MODEL, id))
    return await inspect.ask("fill", body.model_dump(), row.sha256)


async def _lines(first: inspect.Frame | None, frames: AsyncGenerator[inspect.Frame]) -> AsyncIterator[bytes]:
    try:
        if first is not None:
            yield _line(first)
        async for frame in frames:
            yield _line(frame)
    except VitrineError as error:
        yield _line({"error": {"code": error.code, "message": error.message, "status": error.status}})
    finally:
        # The reader may have gone: closing the frames tells the worker to stop.
        await frames.aclose()


def _line(frame: inspect.Frame) -> bytes:
    return encode(frame).encode() + b"\n"
