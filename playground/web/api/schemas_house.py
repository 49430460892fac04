"""The shapes of `me`, `health`, `queue` and `catalogue`."""

from typing import Any

from pydantic import BaseModel, Field

from playground.domain.kind import SpeedPoint
from playground.web.api.schemas import Job


class DeviceSchema(BaseModel):
    """A device of a worker: bytes in all and promised to no run, null where unknown; runs that it takes and has."""

    name: str
    memory: int | None
    free: int | None
    places: int
    runs: int


class WorkerSchema(BaseModel):
    """A worker that was seen lately; memory in bytes, `seen_s` seconds ago. `slots` are the runs it takes at a time."""

    name: str
    queue: str
    device: str
    threads: int
    memory: int
    slots: int
    devices: list[DeviceSchema]
    speed: list[SpeedPoint]
    seen_s: float


class WaitingJob(BaseModel):
    """A job in the line; `job` is null where it belongs to somebody else."""

    job: Job | None
    position: int


class Queue(BaseModel):
    """The waiting line. Of other people's jobs only the place is told."""

    workers: list[WorkerSchema]
    waiting: list[WaitingJob]
    running: list[Job]


class Health(BaseModel):
    """Whether the parts are there; `redis` is only needed for speed."""

    status: str
    version: str
    workers: list[WorkerSchema]
    redis: bool


class Limits(BaseModel):
    """What an upload may have."""

    max_corpus_bytes: int
    max_model_bytes: int
    max_tokenizer_bytes: int
    max_name_characters: int


class Me(BaseModel):
    """Who the request acts for."""

    id: int
    name: str
    role: str
    language: str
    limits: Limits


class ExhibitEntry(BaseModel):
    """An exhibit in its wing."""

    slug: str
    title: str
    summary: str
    lesson: str
    needs_model: bool
    params: dict[str, Any] = Field(description="JSON schema of its parameters.")


class WingEntry(BaseModel):
    """A wing of the gallery."""

    slug: str
    title: str
    summary: str
    exhibits: list[ExhibitEntry]


class KindEntry(BaseModel):
    """A sort of training run."""

    name: str
    title: str
    summary: str
    params: dict[str, Any] = Field(description="JSON schema of its parameters.")
    presets: dict[str, dict[str, Any]]


class Catalogue(BaseModel):
    """All wings, exhibits and job kinds, in the language of the request."""

    wings: list[WingEntry]
    kinds: list[KindEntry]
