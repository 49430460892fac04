"""What a job kind is: the one object that a file in `playground/jobs/` exports as `kind`.

A kind says which parameters a run takes, which library artifacts it reads, what it will cost, and how
text becomes arrays; the engine supplies everything that needs a deep-learning library. `Facts` are what
the caller knows about the corpus and the machine, `Estimate` is what the form shows before a run is
queued. Both are plain data, so that the web process can answer without ever importing torch.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from tokenizers import Tokenizer

from playground.domain.knobs import Knobs

Split = Literal["train", "held_out"]
TokenIds = NDArray[np.uint16] | NDArray[np.uint32]


Work = Literal["next_token", "packed", "masked", "adapter"]
"""What a step does, as far as it matters for its speed: learn every next token, or those of answers that are packed
into blocks; learn hidden tokens; or adapt a base, with packed answers."""


class SpeedPoint(BaseModel):
    """A measured training speed of one machine at one model size.

    `flops_per_s` are operations of products with weights in a second; `score_seconds` is what each number takes that
    goes through a softmax, and `pass_seconds` what a pass takes beside both.
    """

    model_config = ConfigDict(extra="forbid")

    work: Work = "next_token"

    parameters: int = Field(gt=0)
    flops_per_s: float = Field(gt=0, allow_inf_nan=False)
    precision: Literal["fp32", "bf16"]
    pass_seconds: float = Field(0.0, ge=0, allow_inf_nan=False)
    score_seconds: float = Field(0.0, ge=0, allow_inf_nan=False)


class Facts(BaseModel):
    """What is known about the inputs and the machine when an estimate is asked for; None or empty = unknown.

    `devices` is how many processes a run can have: one for each GPU of the machine, else for each thread. `model` is
    what the library says of the base model, `rows` what it says of the rows of a JSONL corpus; that of a
    corpus that is none is empty.
    """

    model_config = ConfigDict(extra="forbid")

    corpus_bytes: int = Field(ge=0)
    corpus_characters: int = Field(ge=0)
    corpus_tokens: int | None = None
    tokenizer_vocab: int | None = None
    tokenizer_special: list[str] | None = None
    model: dict[str, Any] | None = None
    rows: dict[str, Any] | None = None
    memory_available: int | None = None
    libraries: int | None = None
    speed: list[SpeedPoint] = []
    device: str = "cpu"
    devices: int | None = None


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
    """What a run will cost; `seconds` and `steps` are None while no machine has been measured.

    `trained` is how many of the parameters change, None where all do.
    """

    parameters: int
    trained: int | None = None
    tokens_per_step: int
    steps: int | None
    tokens: int | None
    passes: float | None
    flops: float | None
    memory: Memory
    seconds: float | None
    precision: Literal["fp32", "bf16", "fp16"]
    fits: bool
    problems: list[Problem]


@dataclass(frozen=True)
class Data:
    """A corpus as arrays: its token ids one after another, whatever else the kind's `encode` gives, and special ids.

    `special` maps a role ("mask", "pad", "cls", "sep", "unk", "eos") to an id, for those that the tokenizer has.
    `arrays` are the others by name, `notes` sentences that the owner of the run should read. `context` is how many
    tokens the base model sees at once, where there is one; `block` the length of a row, where the parameters do not
    say it.
    """

    tokens: TokenIds
    vocab_size: int
    special: dict[str, int] = field(default_factory=dict)
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    context: int | None = None
    block: int | None = None


@dataclass(frozen=True)
class Batch:
    """Arrays of one forward pass, (batch, block) each; None is what a kind does not use.

    inputs and labels int64, a label of -100 is not learned from. segments int64: first or second text of a pair.
    documents int64: number of the example that a position belongs to, -1 for padding; positions of different
    numbers do not see each other. positions int64: place within the example. answers (batch,) int64: right class of a
    whole row. changes uint8, for people to see: 1 masked, 2 replaced, 3 chosen and kept.
    """

    inputs: NDArray[np.int64]
    labels: NDArray[np.int64]
    segments: NDArray[np.int64] | None = None
    documents: NDArray[np.int64] | None = None
    positions: NDArray[np.int64] | None = None
    answers: NDArray[np.int64] | None = None
    changes: NDArray[np.uint8] | None = None


class Encoder(Protocol):
    """Pieces of a corpus as arrays, which are joined over all pieces; "tokens" is one of them.

    `first` is the number (from 1) of the first piece. Raises BadInput naming the piece that cannot be used.
    """

    def __call__(self, pieces: list[str], first: int, tokenizer: Tokenizer, params: Any) -> dict[str, NDArray[Any]]: ...


class BatchMaker(Protocol):
    """Data as batches: a pure function of its arguments, so that a resumed run sees the same ones; None at the end."""

    def __call__(self, data: Data, params: Any, split: Split, step: int, micro: int) -> Batch | None: ...


def plain(pieces: list[str], first: int, tokenizer: Tokenizer, params: Any) -> dict[str, NDArray[Any]]:
    """The usual encoder: the token ids of the text and nothing else."""
    encodings = tokenizer.encode_batch_fast(pieces, add_special_tokens=False)
    return {"tokens": np.concatenate([np.asarray(encoding.ids, dtype=np.uint32) for encoding in encodings])}


@dataclass(frozen=True)
class JobKind:
    """A sort of training run; `name` is also its file's, its URL's and its test's.

    `objective` names a function of the engine's objectives, `attention` says whether a token may see
    those after it, `trains` what is updated ("all" weights or an "adapter"), and `inputs` maps the role
    of each library artifact that the run reads ("corpus", "tokenizer", "model") to its id.

    `reads` says what the pieces are that `encode` gets: stretches of text cut between lines, or whole lines.
    `encoding` has the parameters that its arrays depend on. `arrange` prepares them for batches once, before the first
    step: it may add arrays and notes, and raises BadInput for a corpus that gives no batch. `tokenizer` is the
    algorithm of the one that is trained where none is given; None where the model brings its own. `spoken` is the
    sample prompt as the model gets to read it. `aims` says which share of the words should be "masked", "replaced" and
    "kept", for kinds that hide words. `work` names what carries a run out: the training loop, or a part of the engine
    of its own, which has no use for objective, attention and batches.
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
    presets: dict[str, dict[str, int]] = field(default_factory=dict)
    tokenizer: Literal["bpe", "wordpiece"] | None = "bpe"
    reads: Literal["text", "lines"] = "text"
    encode: Encoder = plain
    encoding: Callable[[Any], dict[str, Any]] = lambda params: {}
    arrange: Callable[[Data, Any], Data] = lambda data, params: data
    spoken: Callable[[Any, str], str] = lambda params, prompt: prompt
    aims: Callable[[Any], dict[str, float]] = lambda params: {}
    work: Literal["train", "vocabulary"] = "train"
