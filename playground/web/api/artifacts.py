"""What the three nouns of the library have in common: list, look, rename, delete, download, take in."""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

from django.core.files.uploadedfile import TemporaryUploadedFile
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from ninja import UploadedFile

from playground.domain.errors import BadInput, NotFound
from playground.ledger import queue
from playground.library import artifacts, names
from playground.library.models import Artifact
from playground.web.access import SIGNED_IN, user_of
from playground.web.api import schemas
from playground.web.api.objects import artifact_json, artifact_list, artifact_of
from playground.web.api.routes import Noun
from playground.web.asynchronous import iterate

FORM_FIELDS = frozenset({"file", "name", "csrfmiddlewaretoken"})


def add_routes(router: Noun, kind: str, noun: str) -> None:
    """Give a noun's router the routes that all have; `noun` is the plural in the address."""
    listed: type[schemas.CorpusList | schemas.ArtifactList]
    one: type[schemas.Artifact]
    listed, one = (
        (schemas.CorpusList, schemas.Corpus) if noun == "corpora" else (schemas.ArtifactList, schemas.Artifact)
    )

    @router.get("", auth=SIGNED_IN, response=listed, operation_id=f"list_{noun}", summary=f"List {noun}")
    def list_all(request: HttpRequest) -> object:
        """Your own and the shared ones, newest first."""
        rows = list(artifacts.for_user(user_of(request), kind))
        return listed.model_validate({"items": [item.model_dump() for item in artifact_list(rows)]})

    @router.get("/{uuid:id}", auth=SIGNED_IN, response=one, operation_id=f"get_{kind}", summary=f"One {kind}")
    def get_one(request: HttpRequest, id: UUID) -> object:
        """What it is and where it comes from."""
        return _shown(artifact_of(user_of(request), kind, id))

    @router.patch("/{uuid:id}", auth=SIGNED_IN, response=one, operation_id=f"rename_{kind}", summary=f"Rename a {kind}")
    def rename(request: HttpRequest, id: UUID, body: schemas.Rename) -> object:
        """Give it another name; the content never changes."""
        return _shown(artifacts.rename(artifact_of(user_of(request), kind, id), body.name))

    @router.delete(
        "/{uuid:id}", auth=SIGNED_IN, response={204: None}, operation_id=f"delete_{kind}", summary=f"Delete a {kind}"
    )
    def delete(request: HttpRequest, id: UUID) -> object:
        """Refused with 409 and the reason while a run that has not ended reads it."""
        artifacts.delete(artifact_of(user_of(request), kind, id))
        return None


def _shown(row: Artifact) -> schemas.Artifact:
    return artifact_json(row, queue.in_use([row.pk])[row.pk])


def folder_of(row: Artifact) -> Path:
    """The artifact's files. Raises NotFound where the store has lost them."""
    try:
        return artifacts.path_of(row)
    except FileNotFoundError:
        raise NotFound(_("Its content is no longer in the store.")) from None


def name_of_upload(
    request: HttpRequest, file: UploadedFile, name: str | None, fallback: str, others: tuple[str, ...] = ()
) -> str:
    """The name given, or the file's. Raises BadInput for a bad one and for fields that no upload has."""
    unknown = sorted((set(request.POST) | set(request.FILES)) - FORM_FIELDS - set(others))
    if unknown or len(request.FILES.getlist("file")) > 1:
        errors = {field[:80]: [_("There is no such field.")] for field in unknown}
        raise BadInput(_("Send one file, and perhaps a name."), errors or {"file": [_("Send one file at a time.")]})
    given = name if name is not None else names.from_file(file.name or "", fallback)
    return names.clean(given)


def path_of_upload(file: object) -> Path:
    """Where the upload lies on disk: the settings know no handler that keeps one in memory."""
    if not isinstance(file, TemporaryUploadedFile):
        raise TypeError("an upload came through a handler that is not in the settings")
    return Path(file.temporary_file_path())


def attachment(chunks: Iterable[bytes], filename: str, content_type: str, size: int | None = None) -> HttpResponseBase:
    """A download, streamed. It is never shown inline, whatever it holds."""
    response = StreamingHttpResponse(iterate(chunks), content_type=content_type)
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=filename) or "attachment"
    response["Content-Security-Policy"] = "sandbox"
    if size is not None:
        response["Content-Length"] = str(size)
    return response


def filename(name: str, ending: str) -> str:
    """A file name made of an artifact's name, without what a file system minds."""
    safe = re.sub(r"[^\w.\- ]+", "_", unicodedata.normalize("NFC", name)).strip(" ._")[:80]
    return f"{safe or 'vitrine'}{'' if safe.endswith(ending) else ending}"


def chunks_of(path: Path, size: int = 1 << 18) -> Iterable[bytes]:
    """A file in pieces."""
    with path.open("rb") as source:
        while chunk := source.read(size):
            yield chunk
