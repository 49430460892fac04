"""The shapes of what the API says of a run's probes."""

from typing import Literal

from pydantic import BaseModel, Field

Packed = dict[str, str]


class ProbeToken(BaseModel):
    """A token of a pinned sentence; one that holds part of a character only has no text of its own."""

    id: int
    text: str
    special: bool


class ProbeSentence(BaseModel):
    """A pinned sentence as the network reads it; `cut` says that only its beginning is watched."""

    text: str
    cut: bool
    tokens: list[ProbeToken]


class ProbeIndex(BaseModel):
    """What is true of all records of a run, and the steps that were recorded.

    With sight `causal` a place is asked what comes after it, with `full` what it is itself, while it is hidden.
    """

    sentences: list[ProbeSentence] = []
    words: list[str] = []
    vectors: Literal["embedding", "states"] = "embedding"
    sight: Literal["causal", "full"] = "causal"
    layers: int = 0
    heads: int = 0
    steps: list[int]


class ProbePlace(BaseModel):
    """What the network expects: the likeliest tokens with their probabilities, and the probability of the true one.

    `rank` is where the true one stands among the likeliest, from 0. Empty for places that are not asked.
    """

    top: list[tuple[str, float]] = []
    p: float | None = None
    rank: int | None = None


class ProbedSentence(BaseModel):
    """What was expected at each token; `loss` is the mean surprise of the true ones, in nats."""

    loss: float | None
    places: list[ProbePlace]


class ProbeLayers(BaseModel):
    """Lengths of the clipped gradient, of the update and of the weights, for each layer by name."""

    name: list[str]
    gradient: list[float]
    update: list[float]
    weight: list[float]


class ProbeSample(BaseModel):
    """A short text that the network wrote then."""

    prompt: str
    text: str


class ProbeRecord(BaseModel):
    """One recorded step. `detail` says what of the attention was kept: every head, the mean of each layer, or none."""

    step: int
    detail: Literal["heads", "layers", "none"]
    sentences: list[ProbedSentence]
    layers: ProbeLayers
    sample: ProbeSample | None = None


class ProbePoints(BaseModel):
    """The followed words as points, seen from one direction at all steps: `points` is (steps, words, 2)."""

    words: list[str]
    vectors: Literal["embedding", "states"] = Field(description="What of the network stands for a word.")
    steps: list[int]
    points: Packed
