"""The shapes of what the API takes and gives, in one place; OpenAPI and the front end's types come from them."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class Given(BaseModel):
    """Base of request bodies: an unknown field is refused."""

    model_config = ConfigDict(extra="forbid")


class Rename(Given):
    """A new name."""

    name: str = Field(max_length=2000)


class Artifact(BaseModel):
    """A corpus, tokenizer or model of the library."""

    id: UUID
    kind: str
    name: str
    sha256: str
    bytes: int
    created_at: datetime
    shared: bool = Field(description="Starter content, which all users see and none may change.")
    meta: dict[str, Any]
    origin: dict[str, Any]
    in_use: int = Field(description="Runs that read it and have not ended.")
    url: str


class Corpus(Artifact):
    """A corpus; `language_mix` is the share of each script among its letters."""

    characters: int
    lines: int
    language_mix: dict[str, float]


class ArtifactList(BaseModel):
    """Tokenizers or models, newest first."""

    items: list[Artifact]


class CorpusList(BaseModel):
    """Corpora, newest first."""

    items: list[Corpus]


class Preview(BaseModel):
    """A look into a corpus. Offsets are bytes, so that any place of a large file is reached at once."""

    text: str
    offset: int
    next: int = Field(description="Offset to ask for next; equal to total at the end.")
    total: int


class JobRequest(Given):
    """A run to queue or to estimate; `params` are those of the kind, see the catalogue."""

    kind: str = Field(max_length=80)
    params: dict[str, Any]
    name: str | None = Field(None, max_length=2000)


class Reason(BaseModel):
    """Why a job is not running now."""

    code: str
    message: str


class Failure(BaseModel):
    """Why a job failed, by class and in words."""

    failure: str
    message: str


class InputReference(BaseModel):
    """An artifact that a job reads; the id is null once it was deleted."""

    id: UUID | None
    name: str


class Job(BaseModel):
    """A run as it stands now."""

    id: UUID
    kind: str
    name: str
    status: str
    desired: str
    reason: Reason | None
    attempt: int
    step: int
    steps: int | None
    progress: float = Field(description="0 to 1.")
    seconds_left: float | None
    device: str | None = Field(description="Where it is computed now.")
    params: dict[str, Any]
    inputs: dict[str, InputReference]
    tokenizer: UUID | None
    model: UUID | None
    error: Failure | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    last_seq: int
    url: str
    parent: UUID | None = Field(description="The run that this one comes from, while it exists.")
    parent_step: int | None = Field(description="The step of another run after which this one begins.")
    relation: Literal["", "fork", "repeat"]
    sweep: UUID | None
    varied: dict[str, Any] = Field(description="The parameters in which the runs of its sweep differ.")


class JobList(BaseModel):
    """Runs, newest first."""

    items: list[Job]


class EventSchema(BaseModel):
    """One thing that happened to a job."""

    seq: int
    type: str
    at: datetime
    data: dict[str, Any]


class EventPage(BaseModel):
    """Events in order without gaps; `last_seq` is the number to ask after next."""

    events: list[EventSchema]
    last_seq: int


class SeriesSchema(BaseModel):
    """One curve; `step` increases strictly."""

    step: list[int]
    value: list[float]


class Metrics(BaseModel):
    """All curves of a run by name."""

    series: dict[str, SeriesSchema]


class Generate(Given):
    """What a model is to write; `temperature` 0 takes the likeliest token each time."""

    prompt: str = Field("", max_length=20_000)
    ids: list[int] | None = Field(None, max_length=8192, description="Token ids to go on from after the prompt.")
    max_tokens: int = Field(64, ge=1, le=512)
    temperature: float = Field(0.8, ge=0, le=5, allow_inf_nan=False)
    top_k: int = Field(0, ge=0, le=1_000_000, description="Only the k likeliest tokens; 0 for all.")
    top_p: float = Field(1, gt=0, le=1, allow_inf_nan=False, description="Only the likeliest tokens up to this share.")
    seed: int = Field(0, ge=0, lt=2**32)
    instruction: bool = Field(False, description="Write the prompt by the template that the model was tuned with.")
    template: str | None = Field(
        None, max_length=4_000, description="Write an instruction by this template, by its name or as a text, instead."
    )
    adapter: bool = Field(True, description="Of an adapter: false lets its base answer, without it.")


class PromptToken(BaseModel):
    """One token of the prompt."""

    id: int
    text: str


class Alternative(PromptToken):
    """A token that could have come instead."""

    probability: float


class GenerateFrame(BaseModel):
    """One line of the answer: the prompt's tokens first, then one new token each, or what went wrong."""

    prompt_tokens: list[PromptToken] | None = None
    index: int | None = None
    id: int | None = None
    text: str | None = None
    bytes: str | None = None
    probability: float | None = None
    alternatives: list[Alternative] | None = None
    error: dict[str, Any] | None = None


class Fill(Given):
    """A text with [MASK] where words are missing, and how many candidates are wanted for each."""

    text: str = Field("", max_length=20_000)
    candidates: int = Field(10, ge=1, le=50)


class Candidate(BaseModel):
    """A word for a blank; one that begins with ## goes on the word before it."""

    id: int
    text: str
    probability: float


class Blank(BaseModel):
    """A blank: where it stands in the text, in characters, and its likeliest words, the best first."""

    start: int
    end: int
    candidates: list[Candidate]


class Filled(BaseModel):
    """A text with its blanks, each filled by itself given all the rest; `filled` has the likeliest word in each."""

    text: str
    filled: str
    blanks: list[Blank]


class ReceiptInput(BaseModel):
    """An input by its content."""

    name: str
    sha256: str


class ReceiptAttempt(BaseModel):
    """One try: where it ran and with which versions."""

    number: int
    device: str
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None
    resume_step: int
    environment: dict[str, Any]


class Receipt(BaseModel):
    """What is needed to repeat a run exactly; `model` is the receipt inside the model's folder."""

    job: UUID
    kind: str
    name: str
    status: str
    params: dict[str, Any]
    inputs: dict[str, ReceiptInput]
    steps: int
    attempts: list[ReceiptAttempt]
    model: dict[str, Any] | None
