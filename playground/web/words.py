"""What is wrong with a field, in words: pydantic's error types as translatable sentences."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from playground.web.catalogue import sentence


def field_message(error: Mapping[str, Any]) -> str:
    """One sentence for one pydantic error; falls back on pydantic's own English."""
    template = _templates().get(str(error["type"]))
    if template is None:
        text = str(error["msg"]).removeprefix("Value error, ")
        return sentence(text) if text else _("This value cannot be used.")
    context = dict(error.get("ctx") or {})
    if "expected" in context:
        context["expected"] = str(context["expected"]).replace(" or ", ", ")  # a list in any language
    return template.format(**{name: _plain(value) for name, value in context.items() if isinstance(name, str)})


def _plain(value: object) -> object:
    """A limit as one writes it: 0 and not 0.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _templates() -> dict[str, str]:
    whole = _("This must be a whole number.")
    number = _("This must be a number.")
    boolean = _("This must be true or false.")
    text = _("This must be text.")
    identifier = _("This is not a valid identifier.")
    return {
        "missing": _("This field is required."),
        "extra_forbidden": _("There is no such field."),
        "int_type": whole,
        "int_parsing": whole,
        "int_from_float": whole,
        "int_parsing_size": whole,
        "float_type": number,
        "float_parsing": number,
        "finite_number": _("This must be a finite number."),
        "bool_type": boolean,
        "bool_parsing": boolean,
        "string_type": text,
        "string_unicode": _("This text contains characters that do not exist."),
        "string_too_long": _("This is too long: at most {max_length} characters."),
        "string_too_short": _("This is too short: at least {min_length} characters."),
        "too_long": _("There are too many entries: at most {max_length}."),
        "too_short": _("There are too few entries: at least {min_length}."),
        "greater_than_equal": _("This must be at least {ge}."),
        "greater_than": _("This must be more than {gt}."),
        "less_than_equal": _("This must be at most {le}."),
        "less_than": _("This must be less than {lt}."),
        "multiple_of": _("This must be a multiple of {multiple_of}."),
        "literal_error": _("This must be one of {expected}."),
        "enum": _("This must be one of {expected}."),
        "uuid_type": identifier,
        "uuid_parsing": identifier,
        "string_pattern_mismatch": _("This does not have the expected form."),
        "model_type": _("This must be an object with named fields."),
        "model_attributes_type": _("This must be an object with named fields."),
        "dict_type": _("This must be an object with named fields."),
        "list_type": _("This must be a list."),
        "none_required": _("This must be empty."),
    }
