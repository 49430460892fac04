"""The messages between processes, each a strict pydantic model: an unknown field or a NaN is refused.

A supervisor and its engine child exchange JSON over a pipe (`Start` and `Control` down; `Emit`, `Artifact`, `Plan`,
`Finished` and `Failed` up), told apart by their `verb`. `Event` is what the ledger stores and the public reads.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

from playground.domain.job import Failure

MAX_MESSAGE_BYTES = 1 << 20
"""The longest message on the pipe. A child that sends more is broken or hostile, and is ended."""

EventType = Literal["status", "metrics", "sample", "probe", "checkpoint", "log", "artifact"]
ReportType = Literal["metrics", "sample", "probe", "checkpoint", "log", "artifact"]
"""What a child may report: all but `status`, which only the ledger writes, with each transition."""

AskType = Literal["evaluate", "sample", "probe"]
"""What a run can be asked to do now, besides what its parameters say that it does then."""


def finite(data: dict[str, Any]) -> dict[str, Any]:
    """Return `data` as it is, or raise ValueError where it is not JSON: NaN and infinities are not."""
    try:
        json.dumps(data, allow_nan=False)
    except TypeError as error:
        raise ValueError(str(error)) from error
    return data


Data = Annotated[dict[str, Any], AfterValidator(finite)]


class Message(BaseModel):
    """The base of all messages: immutable, and no field that is not declared."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class CheckpointMark(Message):
    """The newest checkpoint that the ledger knows: its step, and its folder relative to the job's folder."""

    step: int = Field(ge=0)
    path: str


class Recorded(Message):
    """What of a run is stored already, so that a resumed attempt stays silent up to there.

    `series` maps a metric's name to the last step stored for it; `sample` and `probe` are the last such step,
    0 for none. `probe_bytes` is what the binary parts of all probes take.
    """

    series: dict[str, int] = Field(default_factory=dict)
    sample: int = 0
    probe: int = 0
    probe_bytes: int = 0
    checkpoint: CheckpointMark | None = None


class InputFile(Message):
    """An artifact that a job reads: its real path on this machine, its content hash and what the library says of it."""

    path: str
    sha256: str
    meta: dict[str, Any] = Field(default_factory=dict)


class Start(Message):
    """The first message to a child: the whole of its work. `memory_limit` is in bytes, 0 for none.

    A run on several devices has a process for each: `peers` are those beside `device`, `threads` are those of each.
    With `base_step` the run does not begin at nothing, but after that step of another run, whose checkpoint lies in the
    folder `base` of this job's folder.
    """

    verb: Literal["start"] = "start"
    job: str
    attempt: int
    kind: str
    params: dict[str, Any]
    inputs: dict[str, InputFile]
    folder: str
    recorded: Recorded = Field(default_factory=Recorded)
    planned_steps: int | None = None
    threads: int = Field(ge=1)
    device: str = "cpu"
    peers: list[str] = Field(default_factory=list)
    memory_limit: int = Field(0, ge=0)
    base_step: int | None = None


class Control(Message):
    """What a running child is asked: to end with a model, to checkpoint and leave, or to look at something now."""

    verb: Literal["control"] = "control"
    control: Literal["stop", "pause", "preempt", "evaluate", "sample", "probe"]
    prompt: str | None = None


class Ask(Message):
    """Something that the owner wants of a run that goes on. `number` counts up within an attempt."""

    number: int = Field(ge=1)
    ask: AskType
    prompt: str | None = None


Blobs = Annotated[list[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]*={0,2}$")]], Field(max_length=16)]
"""Binary parts of a probe in base64: attention for each sentence, then the word vectors if there are any."""


class Emit(Message):
    """Something to be stored as an event. Metrics are scalars per step: {"step": 3, "loss": 7.1, ...}.

    `blobs` are kept apart from the event, which is sent to everyone who looks at the run.
    """

    verb: Literal["emit"] = "emit"
    type: ReportType
    data: Data
    blobs: Blobs = []


class Artifact(Message):
    """A tokenizer or model that a child has finished writing to the folder `path`."""

    verb: Literal["artifact"] = "artifact"
    kind: Literal["tokenizer", "model"]
    path: str
    name: str
    meta: Data


class Plan(Message):
    """How many optimizer steps the whole run has, once the child knows."""

    verb: Literal["plan"] = "plan"
    steps: int = Field(ge=1)


class Finished(Message):
    """The child's last word when nothing went wrong."""

    verb: Literal["finished"] = "finished"
    outcome: Literal["done", "stopped", "paused", "preempted"]


class Failed(Message):
    """The child's last word when something did; a full disk is waited for, all else ends the job."""

    verb: Literal["failed"] = "failed"
    failure: Failure | Literal["disk_full"]
    message: str
    step: int | None = None


Down = Annotated[Start | Control, Field(discriminator="verb")]
Up = Annotated[Emit | Artifact | Plan | Finished | Failed, Field(discriminator="verb")]

_down: TypeAdapter[Start | Control] = TypeAdapter(Down)
_up: TypeAdapter[Emit | Artifact | Plan | Finished | Failed] = TypeAdapter(Up)


def encode(message: Message) -> bytes:
    """Return a message as the bytes that go over the pipe."""
    return message.model_dump_json().encode()


def parse_down(raw: bytes) -> Start | Control:
    """Read a message to the child, or raise pydantic.ValidationError."""
    return _down.validate_json(raw)


def parse_up(raw: bytes) -> Emit | Artifact | Plan | Finished | Failed:
    """Read a message from the child, or raise pydantic.ValidationError."""
    return _up.validate_json(raw)


class NewEvent(Message):
    """An event on its way into the ledger, which gives it its number and its time.

    The data of `metrics` are lists of one length: {"step": [1, 2], "loss": [7.6, 7.5]}, null where a series has no
    value.
    """

    type: ReportType
    data: Data
    blobs: Blobs = []


class Event(Message):
    """An event as the public sees it; `seq` counts from 1 without gaps within a job."""

    seq: int
    type: EventType
    at: datetime
    data: dict[str, Any]
