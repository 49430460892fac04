"""What a job kind is: the one object that a file in `playground/jobs/` exports as `kind`.

A kind says which parameters a run takes, which library artifacts it reads, what it will cost, and how
text becomes arrays; the engine supplies everything that needs a deep-learning library. `Facts` are what
the caller knows about the corpus and the machine, `Estimate` is what the form shows before a run is
queued. Both are plain data, so that the web process can answer without ever importing torch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from playground.domain.knobs import Knobs

Split = Literal["train", "held_out"]
TokenIds = NDArray[np.uint16] | NDArray[np.uint32]


class SpeedPoint(BaseModel):
    """A measured training speed of one machine: useful floating-point operations a second at one model size."""

    model_config = ConfigDict(extra="forbid")

    parameters: int = Field(gt=0)
    flops_per_s: float = Field(gt=0, allow_inf_nan=False)
    precision: Literal["fp32", "bf16"]


class Facts(BaseModel):
    """What is known about the inputs and the machine when an estimate is asked for; None or empty = unknown."""

    model_config = ConfigDict(extra="forbid")

    corpus_bytes: int = Field(ge=0)
    corpus_characters: int = Field(ge=0)
    corpus_tokens: int | None = None
    tokenizer_vocab: int | None = None
    memory_available: int | None = None
    speed: list[SpeedPoint] = []
    device: str = "cpu"


class Memory(BaseModel):
    """Peak memory of a run by part, in bytes; `available` is None where no worker has told it yet."""

    weights: int
    gradients: int
    optimizer: int
    activations: int
    logits: int
    other: int
    total: int
    available: int | None


class Problem(BaseModel):
    """Why a run as described cannot work, and at which field of the form."""

    field: str
    message: str


class Estimate(BaseModel):
    """What a run will cost; `seconds` and `steps` are None while no machine has been measured."""

    parameters: int
    tokens_per_step: int
    steps: int | None
    tokens: int | None
    passes: float | None
    flops: float | None
    memory: Memory
    seconds: float | None
    precision: Literal["fp32", "bf16"]
    fits: bool
    problems: list[Problem]


@dataclass(frozen=True)
class Batch:
    """Arrays of one forward pass, both (batch, block) int64; a label of -100 is not learned from."""

    inputs: NDArray[np.int64]
    labels: NDArray[np.int64]


class BatchMaker(Protocol):
    """Text as arrays: a pure function of its arguments, so that a resumed run sees the same batches."""

    def __call__(self, tokens: TokenIds, params: Any, split: Split, step: int, micro: int) -> Batch | None: ...


@dataclass(frozen=True)
class JobKind:
    """A sort of training run; `name` is also its file's, its URL's and its test's.

    `objective` names a function of the engine's objectives, `attention` says whether a token may see
    those after it, `trains` what is updated ("all" weights or an "adapter"), and `inputs` maps the role
    of each library artifact that the run reads ("corpus", "tokenizer", "model") to its id.
    """

    name: str
    title: str
    summary: str
    Params: type[Knobs]
    objective: str
    attention: Literal["causal", "full"]
    trains: Literal["all", "adapter"]
    inputs: Callable[[Any], dict[str, str]]
    estimate: Callable[[Any, Facts], Estimate]
    batch: BatchMaker
    presets: dict[str, dict[str, int]]
