"""Artifacts as the rest of the house sees them: who may see which, how one comes in, when one may go."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from playground.domain.errors import Conflict, Forbidden
from playground.domain.job import TERMINAL
from playground.library import exports, names, store
from playground.library.models import Artifact, Kind
from playground.people.models import User

Json = dict[str, Any]


def for_user(user: User, kind: str | None = None) -> QuerySet[Artifact]:
    """The artifacts that a user may read: their own and the shared ones."""
    mine = Artifact.objects.filter(Q(owner=user) | Q(owner__isnull=True))
    return mine if kind is None else mine.filter(kind=kind)


def adopt(
    kind: str, folder: Path, *, owner: User | None, name: str, meta: Mapping[str, Any], origin: Mapping[str, Any]
) -> Artifact:
    """Take over a folder that a job or an upload has made; it is gone afterwards.

    The artifact is named by the hash over its files. Raises BadInput for a name that cannot be used.
    """
    clean_name = names.clean(name)
    sha256, size = tree_digest(folder)
    store.current().put_tree(kind, sha256, folder)
    return record(kind, sha256, size, owner=owner, name=clean_name, meta=meta, origin=origin)[0]


def record(
    kind: str,
    sha256: str,
    size: int,
    *,
    owner: User | None,
    name: str,
    meta: Mapping[str, Any],
    origin: Mapping[str, Any],
) -> tuple[Artifact, bool]:
    """The row for bytes that are in the store, and whether it is new: an owner has each content once."""
    values = {"name": name, "bytes": size, "meta": dict(meta), "origin": dict(origin)}
    artifact, created = Artifact.objects.get_or_create(kind=kind, sha256=sha256, owner=owner, defaults=values)
    if not store.current().exists(kind, sha256):
        # The same content was deleted by somebody else in this very moment.
        artifact.delete()
        raise Conflict(_("The same content was being deleted at this moment. Send it again."))
    return artifact, created


def tree_digest(folder: Path) -> tuple[str, int]:
    """SHA-256 over the sorted relative paths and contents of a folder's files, and their total size."""
    whole, size = hashlib.sha256(), 0
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as source:
            content = hashlib.file_digest(source, "sha256")
        whole.update(f"{path.relative_to(folder).as_posix()}\0{content.hexdigest()}\n".encode())
        size += path.stat().st_size
    return whole.hexdigest(), size


def rename(artifact: Artifact, name: str) -> Artifact:
    """Give it another name. Raises BadInput, or Forbidden for starter content."""
    _own(artifact)
    artifact.name = names.clean(name)
    artifact.save(update_fields=["name"])
    return artifact


def delete(artifact: Artifact) -> None:
    """Delete row and bytes. Raises Conflict with the reason while a job that has not ended, or an adapter, needs it."""
    _own(artifact)
    try:
        with transaction.atomic():
            users = artifact.uses.exclude(job__status__in=list(TERMINAL)).select_related("job").order_by("pk")
            blocking = [use.job for use in users[:1]]
            if blocking:
                count = users.count()
                sentence = ngettext(
                    "It is in use: the run “{name}” has not ended. Stop it or wait for it.",
                    "It is in use: {count} runs have not ended, “{name}” among them. Stop them or wait for them.",
                    count,
                )
                raise Conflict(sentence.format(name=blocking[0].name, count=count), code="in_use")
            _refuse_bases(artifact)
            artifact.delete()
    except IntegrityError:
        # On PostgreSQL a job that was queued between the look and the deletion holds on to the row.
        raise Conflict(_("It is in use: a run has just been queued with it."), code="in_use") from None
    if not Artifact.objects.filter(kind=artifact.kind, sha256=artifact.sha256).exists():
        store.current().remove(artifact.kind, artifact.sha256)
        if artifact.kind == Kind.MODEL:
            exports.remove_all(artifact.sha256)


def _refuse_bases(artifact: Artifact) -> None:
    """Refuse to delete a model that adapters stand on: without it they say nothing."""
    if artifact.kind != Kind.MODEL:
        return
    adapters = Artifact.objects.filter(kind=Kind.MODEL, meta__adapter=True, meta__base=artifact.sha256)
    mine = adapters.filter(owner=artifact.owner).order_by("created_at", "pk")
    count, first = mine.count(), mine.first()
    if first is not None:
        sentence = ngettext(
            "It is in use: the adapter “{name}” stands on it. Delete that first.",
            "It is in use: {count} adapters stand on it, “{name}” among them. Delete those first.",
            count,
        )
        raise Conflict(sentence.format(name=first.name, count=count), code="in_use")


def _own(artifact: Artifact) -> None:
    if artifact.shared:
        raise Forbidden(_("This is starter content, which all share: it can be neither renamed nor deleted."))


def path_of(artifact: Artifact) -> Path:
    """The artifact's folder on this machine. Raises FileNotFoundError where its bytes are gone."""
    return store.current().local(artifact.kind, artifact.sha256)


__all__ = ["Kind", "adopt", "delete", "for_user", "path_of", "record", "rename", "tree_digest"]
