"""`tokenizers`: what cuts text into tokens."""

from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import File, Form, UploadedFile
from ninja.responses import Status
from pydantic import Field

from playground.library import store, tokenizers
from playground.library.models import Kind
from playground.web.access import SIGNED_IN, user_of
from playground.web.apart.check import check
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
from playground.web.api.schemas import Given

router = Noun(tags=["tokenizers"])
add_routes(router, Kind.TOKENIZER, "tokenizers")


@router.post("", auth=SIGNED_IN, response={201: schemas.Artifact}, operation_id="upload_tokenizer")
def upload(
    request: HttpRequest,
    file: File[UploadedFile],
    merges: File[UploadedFile | None] = None,
    name: Form[str | None] = None,
) -> object:
    """Upload a tokenizer: tokenizer.json, a SentencePiece model, a tiktoken rank file, or vocab.json with merges.txt.

    A process of its own opens it first; what does not open there is not taken.
    """
    user = user_of(request)
    given = name_of_upload(request, file, name, "tokenizer", others=("merges",))
    files = {"upload": path_of_upload(file)} | ({"merges.txt": path_of_upload(merges)} if merges is not None else {})
    row = tokenizers.add(user, files, given, lambda folder: check(user, folder))
    return Status(201, artifact_json(row))


class HubName(Given):
    """A tokenizer by the name of its repository."""

    name: str = Field(min_length=1, max_length=200, examples=["owner/name"])


@router.post("/hub", auth=SIGNED_IN, response={201: schemas.Artifact}, operation_id="fetch_tokenizer")
def fetch(request: HttpRequest, body: HubName) -> object:
    """Take a tokenizer in by its name on the hub, where this site goes to the internet (VITRINE_HUB); else 503."""
    user = user_of(request)
    row = tokenizers.from_hub(user, body.name, lambda folder: check(user, folder))
    return Status(201, artifact_json(row))


@router.get("/{uuid:id}/download", auth=SIGNED_IN, operation_id="download_tokenizer")
def download(request: HttpRequest, id: UUID) -> HttpResponseBase:
    """The tokenizer.json, or the SentencePiece model."""
    row = artifact_of(user_of(request), Kind.TOKENIZER, id)
    path = folder_of(row) / store.TOKENIZER_FILE
    if not path.exists():
        path = path.with_name(tokenizers.MODEL_FILE)
    kind = "application/json" if path.suffix == ".json" else "application/octet-stream"
    return attachment(chunks_of(path), filename(row.name, path.suffix), kind, path.stat().st_size)
