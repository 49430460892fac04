"""What all API routes have in common: a declared policy, no unknown parameters, strict JSON, problem documents."""

import inspect
import json
import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI, Router
from ninja.errors import HttpError, ValidationError
from ninja.parser import Parser
from ninja.renderers import JSONRenderer
from ninja.types import DictStrAny

from playground.domain.errors import BadInput, VitrineError
from playground.web.access import Policy
from playground.web.problems import field_errors, invalid, of_error, problem

logger = logging.getLogger("vitrine.api")
BODY_TYPES = ("application/json", "multipart/form-data")


class Noun(Router):
    """The routes of one noun. Each names its policy as `auth`, or the program does not start."""

    def add_api_operation(self, path: str, methods: list[str], view_func: Callable[..., Any], **options: Any) -> None:
        """Register a route. Raises TypeError where it declares no policy."""
        if not isinstance(options.get("auth"), Policy):
            raise TypeError(f"{view_func.__module__}.{view_func.__name__} declares no access policy")
        super().add_api_operation(path, methods, _strict(view_func), **options)


def _strict(view: Callable[..., Any]) -> Callable[..., Any]:
    """The view, refusing query parameters that it does not declare."""
    declared = frozenset(inspect.signature(view).parameters)

    def check(request: HttpRequest) -> None:
        unknown = sorted(set(request.GET) - declared)
        if unknown:
            raise BadInput(
                _("The address has parameters that do not exist here."),
                {name[:80]: [_("There is no such parameter.")] for name in unknown},
            )

    if inspect.iscoroutinefunction(view):

        @wraps(view)
        async def asynchronous(request: HttpRequest, **arguments: Any) -> Any:
            check(request)
            return await view(request, **arguments)

        return asynchronous

    @wraps(view)
    def synchronous(request: HttpRequest, **arguments: Any) -> Any:
        check(request)
        return view(request, **arguments)

    return synchronous


class StrictParser(Parser):
    """JSON as RFC 8259 has it: no NaN, no name twice."""

    def parse_body(self, request: HttpRequest) -> DictStrAny:
        """The body's value. Raises ValueError, which becomes a 400."""
        return cast(DictStrAny, json.loads(request.body, parse_constant=_no_constant, object_pairs_hook=_no_double))


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _no_double(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


class StrictRenderer(JSONRenderer):
    """JSON as UTF-8, without the NaN that no browser reads."""

    json_dumps_params = {"allow_nan": False, "ensure_ascii": False, "separators": (",", ":")}


class VitrineAPI(NinjaAPI):
    """django-ninja with our parser, renderer and errors."""

    def __init__(self, **options: Any) -> None:
        super().__init__(parser=StrictParser(), renderer=StrictRenderer(), **options)

    def create_temporal_response(self, request: HttpRequest) -> HttpResponse:
        """Called before a body is parsed, which makes it the place to refuse a type that nothing here reads."""
        has_body = request.META.get("CONTENT_LENGTH") not in (None, "", "0") or "HTTP_TRANSFER_ENCODING" in request.META
        if has_body and request.method != "GET" and request.content_type not in BODY_TYPES:
            raise HttpError(415, _("Send JSON, with Content-Type: application/json."))
        return super().create_temporal_response(request)

    def set_default_exception_handlers(self) -> None:
        """Every error becomes a problem document; only unforeseen ones are logged, with their traceback."""
        self.add_exception_handler(Exception, _unforeseen)
        self.add_exception_handler(Http404, lambda request, error: problem(404, _("There is no such thing.")))
        self.add_exception_handler(HttpError, _http_error)
        self.add_exception_handler(ValidationError, _validation)
        self.add_exception_handler(VitrineError, lambda request, error: of_error(cast(VitrineError, error)))
        self.add_exception_handler(
            RequestDataTooBig, lambda request, error: problem(413, _("The request is larger than this address takes."))
        )
        self.add_exception_handler(
            SuspiciousOperation, lambda request, error: problem(400, _("The request is malformed."))
        )


def _unforeseen(request: HttpRequest, error: Any) -> HttpResponse:
    logger.error("%s %s failed", request.method, request.path, exc_info=error)
    return problem(500, _("Something went wrong on our side. It has been logged."), code="internal")


def _http_error(request: HttpRequest, error: Any) -> HttpResponse:
    known = {
        400: _("The body of the request is not valid JSON."),
        401: _("Sign in, or send an API token as “Authorization: Bearer vt_...”."),
    }
    return problem(error.status_code, known.get(error.status_code, str(error)))


def _validation(request: HttpRequest, error: Any) -> HttpResponse:
    found = []
    for item in error.errors:
        # ("body", "body", "kind"): where it came from, the argument of our view, the path in it.
        skip = 2 if item["loc"][0] == "body" else 1
        found.append({**item, "loc": item["loc"][skip:]})
    return invalid(field_errors(found))
