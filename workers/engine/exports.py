"""Models in other forms, written into a folder that the worker then takes: GGUF files.

Each function yields the share that is done. The worker takes the folder only after a frame has said that all of it is
made, so that a half-written file is never kept.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from playground.domain.knobs import Knobs
from workers.engine.llamacpp import file

FILE = "model.gguf"


class ExportParams(Knobs):
    """Which form, where to write it, and what the model is called."""

    format: Literal["gguf-f16", "gguf-q8_0", "gguf-q4_0"]
    folder: str
    name: str = Field(max_length=200)


def export(model: Path, params: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Frames of progress; the last one says that the form is made. Raises BadInput for a model that cannot have it."""
    asked = ExportParams.model_validate(params)
    for share in file.write(model, Path(asked.folder) / FILE, asked.format.removeprefix("gguf-"), asked.name):
        yield {"progress": share}
    yield {"progress": 1.0, "made": True}
