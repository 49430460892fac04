"""What an inspect child can do: generate, fill, exhibit, preview, export, check_model, measure.

Each verb takes the shelf of warm models, the model that is meant and the parameters, and yields data frames. Models
are named by content, so one that is warm is the right one.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field

from playground.domain.errors import BadInput, NotFound
from playground.domain.instructions.data import opening
from playground.domain.instructions.records import Turn
from playground.domain.instructions.templates import MAX_CHARACTERS, parse
from playground.domain.knobs import Knobs
from playground.domain.registry import exhibits
from workers.engine import exports, intake, preview, samples
from workers.engine.generate import Choice, write
from workers.engine.language_model import TransformersModel
from workers.engine.measure import libraries, measure

WARM_MODELS = 4
WARM_BYTES = 4 * 2**30
PROMPT_CHARACTERS = 20_000
MAX_NEW_TOKENS = 512
MAX_CANDIDATES = 50

Frames = Iterator[dict[str, Any]]


class Model(BaseModel):
    """A model of the library: its content hash and its folder on this machine; of an adapter, its base's folder too."""

    model_config = ConfigDict(extra="forbid")

    sha256: str
    path: str
    base: str | None = None


class Shelf:
    """The models used last, in memory; the one used longest ago goes first."""

    def __init__(self) -> None:
        self._models: OrderedDict[str, TransformersModel] = OrderedDict()

    def take(self, model: Model | None) -> TransformersModel:
        """The model, opened now if it is not warm. Raises BadInput when none is named."""
        if model is None:
            raise BadInput("A model is needed.", {"model": ["A model is needed."]})
        if model.sha256 not in self._models:
            self._models[model.sha256] = TransformersModel(Path(model.path), Path(model.base) if model.base else None)
        self._models.move_to_end(model.sha256)
        while len(self._models) > 1 and (len(self._models) > WARM_MODELS or self._bytes() > WARM_BYTES):
            self._models.popitem(last=False)
        return self._models[model.sha256]

    def _bytes(self) -> int:
        return sum(model.bytes for model in self._models.values())


class GenerateParams(Knobs):
    """How to continue a prompt; `ids` are new tokens that are given already, to branch off after them.

    An `instruction` is written by the model's template first, or by the one that is given, so that a base can be asked
    as what was tuned from it is. Without its `adapter` the base answers.
    """

    prompt: str = Field("", max_length=PROMPT_CHARACTERS)
    ids: list[int] | None = Field(None, max_length=8192)
    max_tokens: int = Field(100, ge=1, le=MAX_NEW_TOKENS)
    temperature: float = Field(0.8, ge=0, le=5)
    top_k: int = Field(0, ge=0, le=1_000_000)
    top_p: float = Field(1.0, gt=0, le=1)
    seed: int = Field(0, ge=0, le=2**32 - 1)
    instruction: bool = False
    template: str | None = Field(None, max_length=MAX_CHARACTERS)
    adapter: bool = True


class FillParams(Knobs):
    """A text with [MASK] where words are missing, and how many candidates are wanted for each."""

    text: str = Field(max_length=PROMPT_CHARACTERS)
    candidates: int = Field(10, ge=1, le=MAX_CANDIDATES)


class ExhibitParams(Knobs):
    """Which exhibit, and its own parameters."""

    wing: str
    slug: str
    params: dict[str, Any]


class PathParams(Knobs):
    """A file or folder that somebody brought."""

    path: str


class MeasureParams(Knobs):
    """The device and the number of threads that a training run would get."""

    device: str = "cpu"
    threads: int = Field(1, ge=1, le=1024)


def generate(shelf: Shelf, model: Model | None, params: dict[str, Any]) -> Frames:
    """First the prompt's tokens, then token after token: its text, probability and the ten likeliest alternatives."""
    asked = GenerateParams.model_validate(params)
    opened = shelf.take(model)
    opened.must_write()
    spelling = opened.spelling
    given = asked.ids or []
    if any(not 0 <= index < opened.vocab_size for index in given):
        raise BadInput("One of the tokens is not in the vocabulary of this model.", {"ids": ["Not in the vocabulary."]})
    prompt = samples.opening(opened.tokenizer, _written(opened, asked))
    writer = spelling.writer()
    yield {"prompt_tokens": [{"id": index, "text": writer.add(index)} for index in prompt]}
    for index in given:
        writer.add(index)
    choice = Choice(asked.temperature, asked.top_k, asked.top_p, asked.seed)
    first = len(given)
    with nullcontext() if asked.adapter else opened.without_adapter():
        drawn_tokens = write(opened.network, [*prompt, *given], opened.context, choice, asked.max_tokens, first)
        for index, drawn in enumerate(drawn_tokens, first):
            alternatives = [
                {"id": other, "text": spelling.alone(other), "probability": probability}
                for other, probability in drawn.alternatives
            ]
            yield {
                "index": index,
                "id": drawn.id,
                "text": writer.add(drawn.id),
                "bytes": spelling.spell(drawn.id).hex(),
                "probability": drawn.probability,
                "alternatives": alternatives,
            }
            if drawn.id in opened.ends:
                return


def _written(opened: TransformersModel, asked: GenerateParams) -> str:
    """The prompt as the model reads it. Raises BadInput where a template is wanted and missing or wrong."""
    if not asked.instruction:
        return asked.prompt
    if asked.template is None:
        return opened.manner.asked(asked.prompt)
    return opening(opened.tokenizer) + parse(asked.template).prompt((Turn("user", asked.prompt),))


def fill(shelf: Shelf, model: Model | None, params: dict[str, Any]) -> Frames:
    """One frame: the likeliest words for the blanks of a text. Raises BadInput where there is none."""
    asked = FillParams.model_validate(params)
    yield shelf.take(model).fill(asked.text, asked.candidates)


def exhibit(shelf: Shelf, model: Model | None, params: dict[str, Any]) -> Frames:
    """One frame: the result of an exhibit that looks into a model. Raises NotFound where there is no such exhibit."""
    asked = ExhibitParams.model_validate(params)
    found = exhibits().get((asked.wing, asked.slug))
    if found is None:
        raise NotFound("There is no such exhibit.")
    validated = found.Params.model_validate(asked.params)
    result = found.run(validated, shelf.take(model)) if found.needs_model else found.run(validated)
    yield result.model_dump(mode="json")


def preview_batches(shelf: Shelf, model: Model | None, params: dict[str, Any]) -> Frames:
    """One frame with what holds for the whole run, then one for each batch that it would get."""
    yield from preview.show(params)


def export(shelf: Shelf, model: Model | None, params: dict[str, Any]) -> Frames:
    """Frames of progress while a model is written in another form. Raises BadInput when none is named."""
    if model is None:
        raise BadInput("A model is needed.", {"model": ["A model is needed."]})
    yield from exports.export(Path(model.path), Path(model.base) if model.base else None, params)


def check_model(shelf: Shelf, model: Model | None, params: dict[str, Any]) -> Frames:
    """One frame: what the library says of a model folder. Raises BadInput for one that is not accepted."""
    yield intake.check_model(Path(PathParams.model_validate(params).path))


def measure_speed(shelf: Shelf, model: Model | None, params: dict[str, Any]) -> Frames:
    """Frames with what the libraries take here, and with ever more of this machine's training speeds."""
    asked = MeasureParams.model_validate(params)
    torch.set_num_threads(asked.threads)
    device = torch.device(asked.device)
    held = libraries(device)
    points: list[dict[str, Any]] = []
    for more in measure(device):
        points = [*points, *(point.model_dump() for point in more)]
        yield {"libraries": held, "speed": points}


VERBS: dict[str, Callable[[Shelf, Model | None, dict[str, Any]], Frames]] = {
    "generate": generate,
    "fill": fill,
    "exhibit": exhibit,
    "preview": preview_batches,
    "export": export,
    "check_model": check_model,
    "measure": measure_speed,
}
