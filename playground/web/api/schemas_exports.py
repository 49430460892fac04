"""The shapes of exports."""

from typing import Literal

from pydantic import BaseModel, Field

from playground.web.api.schemas import Given


class ExportRequest(Given):
    """A form to be made: gguf-f16, gguf-q8_0, gguf-q4_0 or merged."""

    format: str = Field("", max_length=40)


class Export(BaseModel):
    """A form of a model; `message` says why it failed or is impossible."""

    format: str
    state: Literal["absent", "waiting", "running", "done", "failed", "impossible"]
    progress: float = Field(description="0 to 1.")
    bytes: int | None
    message: str
    url: str = Field(description="Where the file is once it is done.")


class ExportList(BaseModel):
    """All forms."""

    items: list[Export]
