"""The titles and descriptions inside a JSON schema, in the reader's language."""

from typing import Any

from playground.web.catalogue import sentence

SPOKEN = frozenset({"title", "description", "unit"})


def translated(schema: Any, *, names: bool = False) -> Any:
    """A copy of a schema with its words translated; `names` says that the keys here are names of fields."""
    if isinstance(schema, list):
        return [translated(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: sentence(value)
        if not names and key in SPOKEN and isinstance(value, str)
        else translated(value, names=not names and key in ("properties", "$defs"))
        for key, value in schema.items()
    }
