"""How a model wants to be asked: the template that it was tuned with, as its tokenizer's configuration has it.

The template is Jinja of somebody else's making, so it is rendered in transformers' sandbox, which reaches nothing.
"""

import json
from pathlib import Path
from typing import Any

from jinja2 import TemplateError
from transformers.utils.chat_template_utils import render_jinja_template

from playground.domain.errors import BadInput

MAX_RENDERED = 200_000
"""Characters of a prompt that a template may make of one message."""


class Manner:
    """The chat template of a model's folder, if it has one, and the token that ends what it writes."""

    def __init__(self, folder: Path) -> None:
        try:
            config = json.loads((folder / "tokenizer_config.json").read_bytes())
        except (OSError, ValueError):
            config = {}
        found = config if isinstance(config, dict) else {}
        self.template: str | None = _text(found.get("chat_template"))
        self._special = {name: _text(value) for name, value in found.items() if name.endswith("_token")}

    @property
    def end(self) -> str | None:
        """The token after which an answer is over, by its name."""
        return self._special.get("eos_token")

    def asked(self, instruction: str) -> str:
        """An instruction as the model reads it. Raises BadInput for a model whose template is missing or broken."""
        if self.template is None:
            raise BadInput("This model has no template for instructions.", {"instruction": ["It has no template."]})
        message = {"role": "user", "content": instruction}
        render: Any = render_jinja_template
        special = {name: text for name, text in self._special.items() if text}
        try:
            (written,), _ = render([[message]], chat_template=self.template, add_generation_prompt=True, **special)
        except (TemplateError, TypeError, ValueError) as error:
            raise BadInput(f"The model's template cannot be filled in: {error}") from error
        if len(written) > MAX_RENDERED:
            raise BadInput("The model's template makes too long a text of this.")
        return str(written)


def _text(value: Any) -> str | None:
    """A text, also one that stands in an object as tokenizers' configurations have it."""
    found = value.get("content") if isinstance(value, dict) else value
    return found if isinstance(found, str) else None
