"""`models/{id}/exports`: a model in the forms that other programs read, made by a worker when first asked for."""

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

import redis
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError
from ninja.responses import Status as Answer
from redis.exceptions import RedisError

from playground.domain.errors import BadInput, Conflict, NotFound, Unavailable
from playground.ledger.presence import is_alive
from playground.library import exports, networks, store
from playground.library.models import Artifact, Kind
from playground.web import inspect
from playground.web.access import SIGNED_IN, user_of
from playground.web.api import schemas_exports as schemas
from playground.web.api.artifacts import attachment, chunks_of, filename
from playground.web.api.objects import artifact_of
from playground.web.api.routes import Noun
from playground.web.catalogue import sentence

router = Noun(tags=["models"])
WITHIN = 2.0
"""Seconds that Redis has to answer."""
Found = TypeVar("Found")


@router.get("/{uuid:id}/exports", auth=SIGNED_IN, response=schemas.ExportList, operation_id="list_exports")
def list_exports(request: HttpRequest, id: UUID) -> object:
    """Every form with how far it is; one that this model cannot have says why."""
    row = artifact_of(user_of(request), Kind.MODEL, id)
    return schemas.ExportList(items=_with_redis(lambda client: [_told(client, row, form) for form in exports.FORMS]))


@router.post("/{uuid:id}/exports", auth=SIGNED_IN, response={202: schemas.Export}, operation_id="create_export")
def create(request: HttpRequest, id: UUID, body: schemas.ExportRequest) -> object:
    """Have a worker make a form: 202. What is there or under way is not begun again."""
    row = artifact_of(user_of(request), Kind.MODEL, id)
    if body.format not in exports.FORMS:
        known = ", ".join(exports.FORMS)
        raise BadInput(
            _("This form does not exist."), {"format": [_("There are these forms: {known}.").format(known=known)]}
        )
    reason = exports.refusal(row.meta, body.format)
    if reason is not None:
        raise BadInput(_("This model cannot have this form."), {"format": [_(reason)]}, code="no_such_form")
    return Answer(202, _with_redis(lambda client: _begun(client, row, body.format)))


@router.get("/{uuid:id}/exports/{format}", auth=SIGNED_IN, operation_id="download_export")
def download(request: HttpRequest, id: UUID, format: str) -> HttpResponseBase:
    """The finished file: a GGUF file, or the zip of a folder."""
    row = artifact_of(user_of(request), Kind.MODEL, id)
    if format not in exports.FORMS:
        raise NotFound(_("This form does not exist."))
    name = exports.key(row.sha256, format)
    if exports.size_of(name) is None:
        raise Conflict(_("This form has not been made yet: ask for it first."), code="not_made")
    folder = store.local(exports.KIND, name)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if len(files) > 1:
        return attachment(networks.zipped(folder), filename(f"{row.name} {format}", ".zip"), "application/zip")
    title = filename(f"{row.name} {format.removeprefix('gguf-').upper()}", files[0].suffix)
    return attachment(chunks_of(files[0]), title, "application/octet-stream", files[0].stat().st_size)


def _begun(client: "redis.Redis", row: Artifact, form: str) -> schemas.Export:
    name = exports.key(row.sha256, form)
    if exports.size_of(name) is not None:
        return _told(client, row, form)
    if not is_alive(inspect.QUEUE):
        raise Unavailable(_("No inspect worker is alive, so nothing can look into a model now."), code="no_worker")
    if exports.begin(client, name):
        body = {"verb": "export", "model": {"sha256": row.sha256}, "params": {"format": form, "name": row.name}}
        try:
            inspect.hand_over(name, body)
        except Exception:
            exports.forget(client, name)
            raise
    return _told(client, row, form)


def _told(client: "redis.Redis", row: Artifact, form: str) -> schemas.Export:
    reason = exports.refusal(row.meta, form)
    found = exports.Standing("absent") if reason else exports.standing(client, exports.key(row.sha256, form))
    return schemas.Export(
        format=form,
        state="impossible" if reason else found.state,
        progress=found.progress,
        bytes=found.bytes,
        message=_(reason) if reason else sentence(found.message),
        url=f"/api/v1/models/{row.pk}/exports/{form}",
    )


def _with_redis(work: Callable[["redis.Redis"], Found]) -> Found:
    """Do something with Redis. Raises Unavailable where it is away."""
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=WITHIN, socket_connect_timeout=WITHIN)
    try:
        return work(client)
    except (RedisError, OperationalError, OSError):
        raise Unavailable(_("The inspect worker cannot be reached now. Try again in a moment.")) from None
    finally:
        client.close()
