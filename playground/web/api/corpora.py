"""`corpora`: texts to learn from."""

from typing import Literal
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import File, Form, P, QueryEx, UploadedFile
from ninja.responses import Status
from pydantic import BaseModel, Field

from playground.domain.instructions import templates
from playground.library import corpora
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
from playground.web.api.schemas import Given

router = Noun(tags=["corpora"])
add_routes(router, Kind.CORPUS, "corpora")


@router.post("", auth=SIGNED_IN, response={201: schemas.Corpus, 200: schemas.Corpus}, operation_id="upload_corpus")
def upload(request: HttpRequest, file: File[UploadedFile], name: Form[str | None] = None) -> object:
    """Upload a text file, UTF-8. The same content again gives the corpus that is there, with 200."""
    given = name_of_upload(request, file, name, "corpus")
    row, created = corpora.add(user_of(request), path_of_upload(file), given, limit=settings.MAX_CORPUS_BYTES)
    return Status(201 if created else 200, artifact_json(row))


@router.get("/{uuid:id}/preview", auth=SIGNED_IN, response=schemas.Preview, operation_id="preview_corpus")
def preview(
    request: HttpRequest,
    id: UUID,
    offset: QueryEx[int, P(ge=0, description="Byte to begin at.")] = 0,
    length: QueryEx[int, P(ge=1, le=corpora.MAX_PREVIEW, description="About so many bytes.")] = 2000,
) -> object:
    """A piece of the text, from any place."""
    row = artifact_of(user_of(request), Kind.CORPUS, id)
    folder_of(row)
    text, following = corpora.preview(row, min(offset, row.bytes), length)
    return schemas.Preview(text=text, offset=min(offset, row.bytes), next=following, total=row.bytes)


class ExampleRequest(Given):
    """A template by its name or its own text, and the form of the rows, as in the parameters of a run."""

    template: str = Field("alpaca", max_length=templates.MAX_CHARACTERS)
    rows: Literal["auto", "alpaca", "chatml", "plain"] = "auto"


class ExampleSpan(BaseModel):
    """A stretch of the written example; what is learned is the answer and what ends it."""

    text: str
    learned: bool


class Example(BaseModel):
    """The first row of a corpus written by a template, and the template's own text."""

    template: str
    row: int
    spans: list[ExampleSpan]


@router.post("/{uuid:id}/example", auth=SIGNED_IN, response=Example, operation_id="write_example")
def example(request: HttpRequest, id: UUID, body: ExampleRequest) -> object:
    """How a run on instructions would write the first row of a JSONL corpus, and what of it is learned."""
    row = artifact_of(user_of(request), Kind.CORPUS, id)
    folder_of(row)
    parsed = templates.parse(body.template)
    record = corpora.first_record(row, None if body.rows == "auto" else body.rows)
    spans = [ExampleSpan(text=span.text, learned=span.learned) for span in parsed.spans(record) if span.text]
    return Example(template=templates.NAMED.get(body.template, body.template), row=record.number, spans=spans)


@router.get("/{uuid:id}/download", auth=SIGNED_IN, operation_id="download_corpus")
def download(request: HttpRequest, id: UUID) -> HttpResponseBase:
    """The text file."""
    row = artifact_of(user_of(request), Kind.CORPUS, id)
    path = folder_of(row) / corpora.text_path(row).name
    return attachment(chunks_of(path), filename(row.name, ".txt"), "text/plain; charset=utf-8", path.stat().st_size)
