"""`tokenizers`: what cuts text into tokens."""

from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import File, Form, UploadedFile
from ninja.responses import Status

from playground.library import store, tokenizers
from playground.library.models import Kind
from playground.web.access import SIGNED_IN, user_of
from playground.web.api import schemas
from playground.web.api.artifacts import (
    add_routes,
    attachment,
    chunks_of,
    filename,
    folder_of,
    name_of_upload,
    path_of_upload,
)
from playground.web.api.objects import artifact_json, artifact_of
from playground.web.api.routes import Noun
from playground.web.inspect import ask_now

router = Noun(tags=["tokenizers"])
add_routes(router, Kind.TOKENIZER, "tokenizers")


@router.post("", auth=SIGNED_IN, response={201: schemas.Artifact}, operation_id="upload_tokenizer")
def upload(request: HttpRequest, file: UploadedFile = File(...), name: str | None = Form(None)) -> object:
    """Upload a tokenizer.json. A worker opens it first; what does not open there is not taken."""
    given = name_of_upload(request, file, name, "tokenizer")
    row = tokenizers.add(
        user_of(request),
        path_of_upload(file),
        given,
        lambda folder: ask_now("check_tokenizer", {"path": str(folder)}),
    )
    return Status(201, artifact_json(row))


@router.get("/{uuid:id}/download", auth=SIGNED_IN, operation_id="download_tokenizer")
def download(request: HttpRequest, id: UUID) -> HttpResponseBase:
    """The tokenizer.json."""
    row = artifact_of(user_of(request), Kind.TOKENIZER, id)
    path = folder_of(row) / store.TOKENIZER_FILE
    return attachment(chunks_of(path), filename(row.name, ".json"), "application/json", path.stat().st_size)
