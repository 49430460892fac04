"""How a parameter of a training run is declared: one `Field` that says everything a form needs.

The JSON schema of a `Params` class is the form, the validator and the API's documentation at once.
A field therefore carries, besides its limits, a title, a sentence, a group (the part of the form it
stands in) and a unit. Titles and sentences are plain English: the catalogue translates them where
they are shown.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Group = Literal["data", "model", "budget", "optimizer", "evaluation", "probes"]


class Knobs(BaseModel):
    """Base of all parameter classes: nothing unknown, nothing coerced, no NaN, and immutable."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


def knob(default: Any, group: Group, title: str, description: str, unit: str = "", **limits: Any) -> Any:
    """A pydantic field with its place in the form; `limits` are pydantic's own (ge, le, max_length...)."""
    extra: dict[str, Any] = {"group": group}
    if unit:
        extra["unit"] = unit
    return Field(default, title=title, description=description, json_schema_extra=extra, **limits)
