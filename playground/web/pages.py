"""The pages: shells that say which island is mounted with which props; all data comes over the API."""

import logging
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_safe
from django.views.i18n import set_language as django_set_language

from playground.domain.registry import exhibits, kinds, wings
from playground.ledger.models import Job
from playground.library import artifacts
from playground.library.models import Kind
from playground.web import catalogue
from playground.web.access import ANYONE, SIGNED_IN, access, user_of
from playground.web.problems import API_PREFIX, problem

logger = logging.getLogger("vitrine.web")
MOST_COMPARED = 24
"""Runs on the page of comparisons: as many as there are looks of lines that can be told apart."""
LIBRARY_TABS = ("corpora", "tokenizers", "models")


def shell(request: HttpRequest, title: str, island: str, **props: Any) -> HttpResponse:
    """The page that mounts one island of the front end."""
    return render(request, "page.html", {"title": title, "island": island, "props": props})


@access(SIGNED_IN)
@require_safe
def gallery(request: HttpRequest) -> HttpResponse:
    """The home page: all wings."""
    return shell(request, gettext("Gallery"), "Gallery")


@access(SIGNED_IN)
@require_safe
def wing(request: HttpRequest, wing: str) -> HttpResponse:
    """One wing of the gallery."""
    found = wings().get(wing)
    if found is None:
        raise Http404
    return shell(request, gettext(found.title), "Gallery", wing=wing)


@access(SIGNED_IN)
@require_safe
def exhibit(request: HttpRequest, wing: str, slug: str) -> HttpResponse:
    """One exhibit."""
    found = exhibits().get((wing, slug))
    if found is None:
        raise Http404
    return shell(request, gettext(found.title), "ExhibitPage", wing=wing, slug=slug)


@access(SIGNED_IN)
@require_safe
def train(request: HttpRequest) -> HttpResponse:
    """The form for a new run, of the kind in `?kind=`."""
    kind = request.GET.get("kind", "clm")
    if kind not in kinds():
        raise Http404
    return shell(request, gettext("Train a model"), "NewRun", kind=kind)


@access(SIGNED_IN)
@require_safe
def runs(request: HttpRequest) -> HttpResponse:
    """All runs of the person."""
    return shell(request, gettext("Runs"), "Runs")


@access(SIGNED_IN)
@require_safe
def run(request: HttpRequest, id: UUID) -> HttpResponse:
    """One run, live."""
    job = Job.objects.filter(owner=user_of(request), pk=id).first()
    if job is None:
        raise Http404
    return shell(request, job.name, "RunPage", id=str(id))


@access(SIGNED_IN)
@require_safe
def sweep(request: HttpRequest, id: UUID) -> HttpResponse:
    """The runs of a sweep in one table and one picture, live."""
    if not Job.objects.filter(owner=user_of(request), sweep=id).exists():
        raise Http404
    return shell(request, gettext("Sweep"), "SweepPage", id=str(id))


@access(SIGNED_IN)
@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """Runs beside one another: those in `?runs=`, ids between commas, with nothing where one was taken out."""
    wanted = [part for part in request.GET.get("runs", "").split(",") if part]
    try:
        ids = {UUID(part) for part in wanted}
    except ValueError:
        raise Http404 from None
    if len(wanted) > MOST_COMPARED or Job.objects.filter(owner=user_of(request), pk__in=ids).count() < len(ids):
        raise Http404
    return shell(request, gettext("Compare"), "Compare")


@access(SIGNED_IN)
@require_safe
def library(request: HttpRequest) -> HttpResponse:
    """Corpora, tokenizers and models, on one tab each."""
    tab = request.GET.get("tab", LIBRARY_TABS[0])
    if tab not in LIBRARY_TABS:
        raise Http404
    return shell(request, gettext("Library"), "Library", tab=tab)


@access(SIGNED_IN)
@require_safe
def talk(request: HttpRequest, id: UUID) -> HttpResponse:
    """A model that answers token by token."""
    model = artifacts.for_user(user_of(request), Kind.MODEL).filter(pk=id).first()
    if model is None:
        raise Http404
    return shell(request, model.name, "Talk", id=str(id))


@access(ANYONE)
@require_safe
def catalogue_json(request: HttpRequest) -> HttpResponse:
    """The messages of the current language, for programs and tests."""
    return JsonResponse(catalogue.messages(get_language() or "en"))


@access(ANYONE)
def set_language(request: HttpRequest) -> HttpResponse:
    """Keep the chosen language in a cookie and go back (POST language, next)."""
    return django_set_language(request)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404, as a page or as a problem document."""
    if request.path.startswith(API_PREFIX):
        return problem(404, gettext("There is nothing at this address."))
    return render(request, "404.html", {"title": gettext("Not here")}, status=404)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400 for what Django refuses before a view: without the site's frame, which may be what failed."""
    return HttpResponse(gettext("The request is malformed."), status=400, content_type="text/plain; charset=utf-8")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403 of a page."""
    return render(request, "403.html", {"title": gettext("Not yours")}, status=403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form without a valid CSRF token; `reason` is for the log, not for the page."""
    return render(request, "403.html", {"title": gettext("Not yours"), "csrf": True}, status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """500, without the site's frame, whose queries may be what failed; plain text where the template is."""
    try:
        return HttpResponse(render_to_string("500.html", {"page_language": get_language()}), status=500)
    except Exception:
        logger.exception("the error page cannot be shown")
        text = gettext("Something went wrong on our side. It has been logged.")
        return HttpResponse(text, status=500, content_type="text/plain; charset=utf-8")
