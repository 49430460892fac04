"""The parameters that runs on instructions have in common, whatever part of the model they train."""

from typing import Literal

from pydantic import field_validator
from pydantic_core import PydanticCustomError

from playground.domain.errors import BadInput
from playground.domain.instructions import templates
from playground.domain.instructions.records import Form
from playground.domain.knobs import knob
from playground.domain.training import MAX_STEPS, Training

UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
BLOCK = 512
"""The longest block that is taken where none is asked for; a base model that sees less gets what it sees."""


class Tuning(Training):
    """A base model, examples, and how they are written and packed."""

    model: str = knob(..., "model", "Base model", "The model that learns to answer; it stays as it is.", pattern=UUID)
    corpus: str = knob(..., "data", "Examples", "A JSONL file: one question with its answer a line.", pattern=UUID)
    rows: Literal["auto", "alpaca", "chatml", "plain"] = knob(
        "auto",
        "data",
        "Form of the rows",
        "Alpaca: instruction, input, output. ChatML: messages. Plain: prompt and completion.",
    )
    template: str = knob(
        "alpaca",
        "data",
        "Template",
        "How an example is written as one text: alpaca, chatml, plain, or a text of your own with places in braces.",
        max_length=templates.MAX_CHARACTERS,
    )
    block_size: int | None = knob(
        None, "data", "Block size", "Tokens in a row; empty: what the model sees, at most 512.", "tokens", ge=8, le=8192
    )
    packing: bool = knob(
        True, "data", "Packing", "Several examples in one row, which do not see each other, in place of padding."
    )
    held_out: float = knob(
        0.1, "data", "Held-out share", "Share of the examples that is kept for validation.", ge=0.001, le=0.5
    )
    steps: int | None = knob(
        100, "budget", "Steps", "Number of updates. Give steps, minutes or tokens.", ge=1, le=MAX_STEPS
    )
    batch_size: int = knob(
        8, "budget", "Batch size", "Rows in one forward pass. More is steadier, and needs more memory.", ge=1, le=1024
    )
    learning_rate: float = knob(
        1e-3, "optimizer", "Learning rate", "Size of the largest update, reached after the warm-up.", gt=0, le=1e10
    )
    weight_decay: float = knob(
        0.0, "optimizer", "Weight decay", "Pull of the trained matrices towards zero in each step.", ge=0, le=10
    )
    sample_prompt: str = knob(
        "Name three animals.",
        "evaluation",
        "Sample prompt",
        "The instruction that the model answers, written by the template.",
        max_length=2_000,
    )

    @field_validator("template")
    @classmethod
    def _has_a_completion(cls, given: str) -> str:
        try:
            templates.parse(given)
        except BadInput as error:
            # The sentence may have braces of its own, which are no places to be filled in.
            raise PydanticCustomError("template", "{said}", {"said": error.message}) from None
        return given

    @property
    def form(self) -> Form | None:
        """The form that every row must have, or None for any."""
        return None if self.rows == "auto" else self.rows
