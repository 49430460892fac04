"""What every page shell shows: the rail's wings, languages and counts, and the catalogue of its language."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language, gettext

from playground.domain.job import ACTIVE, Status
from playground.domain.registry import exhibits, wings
from playground.ledger.models import Job
from playground.library import artifacts
from playground.library.models import Kind
from playground.people.models import User
from playground.web import catalogue
from playground.web.access import known


def page(request: HttpRequest) -> dict[str, Any]:
    """Context of base.html: `rail` (wings, counts), `catalogue` (messages of this language), `person`."""
    language = get_language() or settings.LANGUAGE_CODE
    user = known(request) if hasattr(request, "user") else None
    return {
        "person": user,
        "rail": {"wings": rail_wings(request.path), "counts": counts(user) if user else {}},
        "catalogue": catalogue.messages(language),
        "page_language": language,
        "loopback": settings.LOOPBACK,
    }


def rail_wings(path: str) -> list[dict[str, Any]]:
    """The wings with their exhibits, titles translated, and which of them is open."""
    found = []
    for slug, wing in wings().items():
        pages = [
            {"slug": name, "title": gettext(item.title), "url": f"/exhibits/{slug}/{name}/"}
            for (parent, name), item in exhibits().items()
            if parent == slug
        ]
        url = f"/wings/{slug}/"
        is_open = path.startswith((url, f"/exhibits/{slug}/"))
        found.append({"slug": slug, "title": gettext(wing.title), "url": url, "exhibits": pages, "open": is_open})
    return found


def counts(user: User) -> dict[str, int]:
    """Numbers at the rail's entries: runs in progress and waiting, and each sort of artifact."""
    jobs = Job.objects.filter(owner=user)
    return {
        "running": jobs.filter(status__in=ACTIVE).count(),
        "waiting": jobs.filter(status=Status.QUEUED).count(),
        "corpora": artifacts.for_user(user, Kind.CORPUS).count(),
        "tokenizers": artifacts.for_user(user, Kind.TOKENIZER).count(),
        "models": artifacts.for_user(user, Kind.MODEL).count(),
    }
