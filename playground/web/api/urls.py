"""The API's addresses with their policies, its OpenAPI document and its page of documentation."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, path
from django.views.decorators.http import require_safe
from ninja import NinjaAPI
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode

from playground.domain.registry import exhibits, kinds
from playground.web.access import ANYONE, EACH_OPERATION, SIGNED_IN, access
from playground.web.api import api
from playground.web.api.exhibits import request_type
from playground.web.problems import MEDIA_TYPE, ProblemDocument

REF = "#/components/schemas/"


def declared(source: NinjaAPI) -> tuple[list[URLPattern | URLResolver], str, str]:
    """The API's URL patterns, each marked as leaving the decision to its operations."""
    patterns, app, namespace = source.urls
    for pattern in patterns:
        callback = getattr(pattern, "callback", None)
        if callback is not None:
            access(EACH_OPERATION)(callback)
    return [path("openapi.json", openapi, name="openapi-json"), *patterns], app, namespace


def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document, with what ninja cannot know: problems, security, and each kind's parameters."""
    found: dict[str, Any] = dict(api.get_openapi_schema(path_prefix="/api/v1/"))
    components = found.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    refusal = _named(schemas, "", ProblemDocument, "ProblemDocument")
    for name, kind in sorted(kinds().items()):
        _named(schemas, camel(name), kind.Params, "Params")
    _type_exhibits(found["paths"], schemas)
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "An API token: manage.py create_token NAME."},
        "session": {"type": "apiKey", "in": "cookie", "name": "sessionid", "description": "With X-CSRFToken."},
    }
    for path_item in found["paths"].values():
        for operation in path_item.values():
            operation["responses"]["default"] = {"description": "Refused", "content": {MEDIA_TYPE: {"schema": refusal}}}
            operation["security"] = [{"token": []}, {"session": []}]
    found["paths"]["/api/v1/health"]["get"]["security"] = []
    keep = _reachable(found["paths"], schemas) | {f"{camel(name)}Params" for name in kinds()}
    for name in kinds():
        keep |= _reachable(schemas[f"{camel(name)}Params"], schemas)
    components["schemas"] = {name: schemas[name] for name in sorted(schemas) if name in keep}
    return found


def _type_exhibits(paths: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Every exhibit calls its types Params and Result: here they get the exhibit's name in front."""
    for (wing, slug), exhibit in exhibits().items():
        operation = paths[f"/api/v1/exhibits/{wing}/{slug}"]["post"]
        prefix = camel(f"{wing}_{slug}")
        given = _named(schemas, prefix, request_type(exhibit), "Params")
        result = _named(schemas, prefix, exhibit.Result, "Result", mode="serialization")
        operation["requestBody"] = {"content": {"application/json": {"schema": given}}, "required": True}
        operation["responses"]["200"] = {"description": "OK", "content": {"application/json": {"schema": result}}}
        operation["responses"].pop(200, None)


def _named(
    schemas: dict[str, Any], prefix: str, model: type[BaseModel], name: str, mode: JsonSchemaMode = "validation"
) -> dict[str, str]:
    """Add a model's schema, and those of its parts, under names with a prefix; returns the reference to it."""
    schema = model.model_json_schema(ref_template=f"{REF}{prefix}{{model}}", mode=mode)
    for part, definition in schema.pop("$defs", {}).items():
        schemas[f"{prefix}{part}"] = definition
    schemas[f"{prefix}{name}"] = schema
    return {"$ref": f"{REF}{prefix}{name}"}


def _reachable(root: Any, schemas: dict[str, Any]) -> set[str]:
    """The names of all schemas that are referred to from somewhere below `root`, directly or through others."""
    found: set[str] = set()
    todo = [root]
    while todo:
        item = todo.pop()
        if isinstance(item, list):
            todo += item
        elif isinstance(item, dict):
            name = str(item.get("$ref", "")).removeprefix(REF)
            if name in schemas and name not in found:
                found.add(name)
                todo.append(schemas[name])
            todo += item.values()
    return found


def camel(name: str) -> str:
    """lora_sft -> LoraSft."""
    return "".join(part.capitalize() for part in name.replace("-", "_").split("_"))


@access(ANYONE)
@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document."""
    return JsonResponse(document())


@access(SIGNED_IN)
@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """The API's documentation, from django-ninja's own copy of Swagger UI."""
    settings = {"url": "/api/v1/openapi.json", "layout": "BaseLayout", "deepLinking": True}
    context = {"swagger_settings": json.dumps(settings), "api": api, "add_csrf": True}
    return render(request, "ninja/swagger.html", context)
