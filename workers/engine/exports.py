"""Models in other forms, written into a folder that the worker then takes: GGUF files, merged adapters.

Each function yields the share that is done. The worker takes the folder only after a frame has said that all of it is
made, so that a half-written file is never kept.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from playground.domain.errors import BadInput
from playground.domain.knobs import Knobs
from workers.engine import adapters
from workers.engine.llamacpp import file

FILE, MERGED = "model.gguf", "merged"
MERGING = 0.4
"""Share of the time that merging takes, where a file is made of an adapter."""


class ExportParams(Knobs):
    """Which form, where to write it, and what the model is called."""

    format: Literal["gguf-f16", "gguf-q8_0", "gguf-q4_0", "merged"]
    folder: str
    name: str = Field(max_length=200)


def export(model: Path, base: Path | None, params: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Frames of progress; the last one says that the form is made. `base` is the folder of an adapter's base.

    Raises BadInput for a model that cannot have the form.
    """
    asked = ExportParams.model_validate(params)
    folder = Path(asked.folder)
    if asked.format == "merged":
        if base is None:
            raise BadInput("This model is whole already: there is no adapter to merge.", code="no_such_form")
        adapters.merge(base, model, folder)
    else:
        # What llama.cpp reads is a whole model, so an adapter is merged first, on the side.
        whole = model if base is None else adapters.merge(base, model, folder / MERGED)
        begun = 0.0 if base is None else MERGING
        for share in file.write(whole, folder / FILE, asked.format.removeprefix("gguf-"), asked.name):
            yield {"progress": begun + (1 - begun) * share}
        shutil.rmtree(folder / MERGED, ignore_errors=True)
    yield {"progress": 1.0, "made": True}
