"""`exhibits/{wing}/{slug}`: one route for each exhibit, typed by its own parameters and result.

An exhibit that needs a model is computed by the inspect worker, once for each model and parameters: forty
students on one lesson ask the same, and get the same answer.
"""

from functools import cache
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from pydantic import BaseModel, Field, create_model

from playground.domain.exhibit import Exhibit
from playground.domain.registry import exhibits
from playground.library.models import Kind
from playground.web import shelf
from playground.web.access import SIGNED_IN, user_of
from playground.web.api.objects import artifact_of
from playground.web.api.routes import Noun
from playground.web.api.schemas import Given
from playground.web.database import query
from playground.web.lessons import computed
from playground.web.problems import encode

router = Noun(tags=["exhibits"])


def _add(wing: str, slug: str, exhibit: Exhibit) -> None:
    name = f"{wing}_{slug}"
    options: dict[str, Any] = {
        "auth": SIGNED_IN,
        "response": exhibit.Result,
        "operation_id": f"exhibit_{name}",
        "summary": exhibit.title,
        "description": exhibit.summary,
    }
    if exhibit.needs_model:
        router.post(f"/{wing}/{slug}", **options)(_with_model(wing, slug, exhibit))
    else:
        router.post(f"/{wing}/{slug}", **options)(_without_model(wing, slug, exhibit))


def _without_model(wing: str, slug: str, exhibit: Exhibit) -> Any:
    def view(request: HttpRequest, body: BaseModel) -> HttpResponse:
        # Written out here: ninja would check a result of ours against its own schema, token by token.
        found = shelf.computed(user_of(request), wing, slug, exhibit, body)
        return HttpResponse(found, content_type="application/json; charset=utf-8")

    view.__annotations__["body"] = exhibit.Params
    view.__name__ = f"{wing}_{slug}"
    return view


def _with_model(wing: str, slug: str, exhibit: Exhibit) -> Any:
    async def view(request: HttpRequest, body: Any) -> HttpResponse:
        row = await query(lambda: artifact_of(user_of(request), Kind.MODEL, body.model))
        params = body.model_dump(mode="json", exclude={"model"})
        found = await computed(wing, slug, params, row.sha256)
        return HttpResponse(encode(found), content_type="application/json; charset=utf-8")

    view.__annotations__["body"] = request_type(exhibit)
    view.__name__ = f"{wing}_{slug}"
    return view


class ModelChoice(Given):
    """The model that an exhibit looks into; JSON has no ids but strings, also where parameters are strict."""

    model: UUID = Field(strict=False)


@cache
def request_type(exhibit: Exhibit) -> type[BaseModel]:
    """What is sent to an exhibit: its parameters, and the model's id beside them where it needs one."""
    if not exhibit.needs_model:
        return exhibit.Params
    return create_model("Params", __base__=(exhibit.Params, ModelChoice), __doc__=exhibit.Params.__doc__)


for (_wing, _slug), _exhibit in exhibits().items():
    _add(_wing, _slug, _exhibit)
