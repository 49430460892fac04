"""`shelf`: the tokenizers that exhibits can cut a text with."""

from django.conf import settings
from django.http import HttpRequest
from pydantic import BaseModel

from playground.domain.tokenization.tokenizer import Card
from playground.web import shelf
from playground.web.access import SIGNED_IN, user_of
from playground.web.api.routes import Noun

router = Noun(tags=["tokenizers"])


class Cards(BaseModel):
    """One card each, in the order in which they are offered. `hub`: whether names on the hub can be asked for."""

    items: list[Card]
    hub: bool


@router.get("", auth=SIGNED_IN, response=Cards, operation_id="list_shelf", summary="List usable tokenizers")
def cards(request: HttpRequest) -> object:
    """Those that came with Vitrine, those of your library and those of its models."""
    return {"items": [card.model_dump() for card in shelf.cards(user_of(request))], "hub": settings.HUB}
