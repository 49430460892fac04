"""The tokenizers that a person may use, and where an exhibit that uses them is computed.

What came with Vitrine is opened in this process. As soon as a file out of the library is on the shelf, or the
parameters ask for much work, the whole exhibit runs in the person's own tokenizer child.
"""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from pydantic import BaseModel

from playground.domain.errors import BadInput, NotFound
from playground.domain.exhibit import Exhibit
from playground.domain.tokenization.starter import Starters, names
from playground.domain.tokenization.tokenizer import Card
from playground.library import artifacts
from playground.library.models import Artifact, Kind
from playground.people.models import User
from playground.web.apart.pool import pool
from playground.web.catalogue import sentence

KINDS = (Kind.TOKENIZER, Kind.MODEL)


def computed(user: User, wing: str, slug: str, exhibit: Exhibit, params: BaseModel) -> bytes:
    """The exhibit's result as JSON. Raises its refusals, and NotFound for a tokenizer that is not the person's."""
    try:
        return _computed(user, wing, slug, exhibit, params)
    except BadInput as error:
        fields = {name: [sentence(text) for text in texts] for name, texts in error.fields.items()}
        raise BadInput(sentence(error.message), fields, code=error.code) from None


def _computed(user: User, wing: str, slug: str, exhibit: Exhibit, params: BaseModel) -> bytes:
    wanted = asked_for(params)
    brought = [id for id in wanted if id not in names()]
    if not brought and not exhibit.apart(params):
        result = exhibit.run(params, Starters()) if exhibit.needs_shelf else exhibit.run(params)
        return result.model_dump_json().encode()
    request = {
        "verb": "exhibit",
        "wing": wing,
        "slug": slug,
        "params": params.model_dump(mode="json"),
        "shelf": {id: _given(user, id) for id in brought},
    }
    return pool.ask(user.pk, request)


def asked_for(params: BaseModel) -> list[str]:
    """The ids of the tokenizers that an exhibit's parameters name, in the fields `tokenizer` and `tokenizers`."""
    several = getattr(params, "tokenizers", None)
    one = getattr(params, "tokenizer", None)
    return [*(several or []), *([one] if one else [])]


def cards(user: User) -> list[Card]:
    """The starters', then those of the person's library and of its models."""
    found = [_translated(card) for card in Starters().cards()]
    for kind in KINDS:
        rows = artifacts.for_user(user, kind)
        found += [_card(row) for row in rows]
    return found


def _translated(card: Card) -> Card:
    return card.model_copy(update={"title": sentence(card.title), "about": sentence(card.about)})


def _card(row: Artifact) -> Card:
    return Card(
        id=str(row.pk),
        title=row.name,
        algorithm=row.meta.get("algorithm", "bpe"),
        size=int(row.meta.get("vocab_size") or 0),
        byte_level=False,
        origin="shared" if row.shared else "library",
        about=_("The tokenizer of this model.") if row.kind == Kind.MODEL else "",
    )


def _given(user: User, id: str) -> dict[str, Any]:
    """Where the child finds it. Raises NotFound."""
    row = _row(user, id)
    if row is None:
        raise NotFound(_("There is no such tokenizer in your library."))
    try:
        folder = artifacts.path_of(row)
    except FileNotFoundError:
        raise NotFound(_("Its content is no longer in the store.")) from None
    return {"folder": str(folder), "title": row.name, "origin": "shared" if row.shared else "library"}


def _row(user: User, id: str) -> Artifact | None:
    try:
        key = UUID(id)
    except ValueError:
        return None
    return artifacts.for_user(user).filter(pk=key, kind__in=KINDS).first()
