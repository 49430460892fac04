"""The shapes of what comes from a run or holds several: forks, repeats, sweeps, and what can be asked of one now."""

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from playground.domain.training import MAX_THREADS, PROMPT_CHARACTERS
from playground.web.api.schemas import Given, Job


class SampleRequest(Given):
    """What the model is to continue; without a prompt, that of the run."""

    prompt: str | None = Field(None, max_length=PROMPT_CHARACTERS)


class CheckpointSchema(BaseModel):
    """A state of a run that lies on this machine."""

    step: int
    bytes: int


class CheckpointList(BaseModel):
    """The states from which a run can be forked, by step; `bound` are the parameters that a fork cannot change."""

    items: list[CheckpointSchema]
    bound: list[str]


class ForkRequest(Given):
    """Where to branch off, and what to do otherwise there; parameters that are not named stay as they are."""

    step: int | None = Field(None, ge=1, lt=2**53, description="The newest state kept up to here; null: of all.")
    params: dict[str, Any] = {}
    name: str | None = Field(None, max_length=2000)


class RepeatRequest(Given):
    """A repeat may take another number of threads, to see what depends on it; else it is to be the very same run."""

    threads: int | None = Field(None, ge=1, le=MAX_THREADS)


class EnvironmentLine(BaseModel):
    """What differs between the machines or programs of two runs; null where one does not say."""

    name: str
    before: Any
    after: Any


class RepeatVerdict(BaseModel):
    """How a repeat compares with the run before it, number by number.

    "running" says that nothing differs so far and more is to come, "nothing" that there is no step to compare. `steps`
    counts the steps that both have; at `step`, where something differs first, `values` has both numbers of `series`.
    """

    of: UUID
    name: str
    verdict: Literal["identical", "differs", "running", "nothing"]
    steps: int
    step: int | None
    series: str | None
    values: tuple[float, float] | None
    environment: list[EnvironmentLine]


class SweepRequest(Given):
    """Runs that differ in the values of one or two parameters; every combination becomes one."""

    kind: str = Field(max_length=80)
    params: dict[str, Any]
    over: dict[str, list[Any]] = Field(description="Parameter -> the values that it takes.")
    name: str | None = Field(None, max_length=2000)


class SweepItem(BaseModel):
    """One run of a sweep: its values, and its losses so far."""

    job: Job
    values: dict[str, Any]
    loss: float | None
    val_loss: float | None
    best_val_loss: float | None
    best_step: int | None


class Sweep(BaseModel):
    """The runs of a sweep in the order of their values, and the one with the lowest held-out loss so far."""

    id: UUID
    kind: str
    over: dict[str, list[Any]]
    items: list[SweepItem]
    best: UUID | None
    url: str
