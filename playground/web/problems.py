"""Every error of the API as an RFC 9457 problem document, whatever part of the stack refused.

A document names all bad fields at once and never holds a traceback, a path or what was sent.
"""

import json
import logging
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import gettext as _
from pydantic import BaseModel

from playground.domain.errors import BadInput, VitrineError
from playground.web.catalogue import sentence
from playground.web.words import field_message

MEDIA_TYPE = "application/problem+json"
API_PREFIX = "/api/"
_FORM = re.compile(r"(literal|list|dict|tuple|set|union|constrained-\w+|function-[\w-]+)\[")
MAX_ERRORS = 100
"""Bad fields listed in one document: more than any form has, fewer than a hostile list could provoke."""

logger = logging.getLogger("vitrine.web")


class FieldError(BaseModel):
    """One bad field, by its dotted path in what was sent, and what is wrong with it."""

    field: str
    message: str


class ProblemDocument(BaseModel):
    """An RFC 9457 problem; `code` is a stable slug for programs, `detail` a sentence for people."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[FieldError] = []


def problem(status: int, detail: str, *, code: str | None = None, errors: Iterable[FieldError] = ()) -> HttpResponse:
    """The response for one refusal."""
    phrase = HTTPStatus(status).phrase
    slug = code or phrase.lower().replace(" ", "_").replace("-", "_")
    document = ProblemDocument(
        type=f"urn:vitrine:problem:{slug}",
        title=phrase,
        status=status,
        code=slug,
        detail=detail,
        errors=list(errors)[:MAX_ERRORS],
    )
    response = HttpResponse(document.model_dump_json(), status=status, content_type=MEDIA_TYPE)
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = 'Bearer realm="vitrine"'
    return response


def of_error(error: VitrineError) -> HttpResponse:
    """The document of an error that we raised on purpose."""
    fields = error.fields if isinstance(error, BadInput) else {}
    errors = [FieldError(field=name, message=sentence(text)) for name, texts in fields.items() for text in texts]
    return problem(error.status, sentence(error.message), code=error.code, errors=errors)


def field_errors(errors: Iterable[Mapping[str, Any]], prefix: tuple[str, ...] = ()) -> list[FieldError]:
    """pydantic's list of errors as ours; `prefix` goes in front of each path."""
    found = []
    for item in errors:
        # Where a field takes one of several forms, the library puts the name of the form behind it: no part of a path.
        own = item["type"] == "extra_forbidden"
        path = [*prefix, *(str(part) for part in item["loc"] if own or not _FORM.match(str(part)))]
        found.append(FieldError(field=".".join(path)[:200], message=field_message(item)))
    return found


def invalid(errors: list[FieldError]) -> HttpResponse:
    """The document for input that does not have the declared form."""
    detail = _("The request cannot be used as it is: see the fields.") if errors else _("The request cannot be used.")
    return problem(422, detail, code="bad_input", errors=errors)


class ProblemMiddleware(MiddlewareMixin):
    """Rewrites what Django itself answers under /api/ (404, 405, 413, 500 ...) as a problem document."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Leave successes, redirects and problem documents alone."""
        plain = response.get("Content-Type", "").startswith(MEDIA_TYPE)
        if not request.path.startswith(API_PREFIX) or response.status_code < 400 or plain:
            return response
        rewritten = problem(response.status_code, _detail(response.status_code))
        if response.has_header("Allow"):
            rewritten["Allow"] = response["Allow"]
        return rewritten


def _detail(status: int) -> str:
    details = {
        400: _("The request is malformed."),
        401: _("Sign in, or send an API token."),
        403: _("You may not do this."),
        404: _("There is nothing at this address."),
        405: _("This address does not take that method."),
        413: _("The request is larger than this address takes."),
    }
    return details.get(status, _("Something went wrong on our side. It has been logged."))


def encode(value: object) -> str:
    """JSON without NaN, which no browser can read."""
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
