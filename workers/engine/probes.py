"""Probes: what a run's pinned sentences look like from inside, again and again while it learns.

At steps further and further apart, and whenever somebody asks, a record is made of every pinned sentence: attention of
each layer and head, what the network expects at each place; with them the vectors of chosen words, a text that the
network writes, and how far each layer was pulled and moved by the step. Nothing of the training depends on it: the
network is looked at in evaluation mode, no random number of torch is drawn, no weight is touched. What a record holds
depends on the step alone; whether a scheduled record is made depends on the time it would take (see `share`).
"""

import base64
import time
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from playground.domain import probing
from playground.domain.kind import JobKind
from playground.domain.training import Training
from workers.engine import layers
from workers.engine.corpus import Text
from workers.engine.generate import Spoiled, write
from workers.engine.looking import Look, Pinned, look, pin, spelled, word_vectors
from workers.engine.port import Port
from workers.engine.precision import Learner
from workers.engine.samples import CHOICE, opening
from workers.engine.share import Share
from workers.engine.spelling import Spelling

LOOKS, SAMPLES = 0.02, 0.01
"""Shares of the time for records and for the texts among them: with saving and reporting, below five hundredths."""
SAMPLE_TOKENS = 24
"""Enough to see what the network has learned to write, and a third of the time of a whole sample."""


class Probes:
    """The pinned sentences of one attempt; `first` is the step at which the run itself began."""

    def __init__(self, params: Training, kind: JobKind, text: Text, context: int, port: Port, first: int) -> None:
        self._params, self._kind, self._port, self._first = params, kind, port, first
        self._tokenizer, self._context = text.tokenizer, context
        tokenizer = text.tokenizer
        special = text.data.special
        self._mask = special.get("mask")
        self._spelling = Spelling(tokenizer)
        pins = [pin(sentence, tokenizer, context, special, kind.attention) for sentence in params.probes]
        self._pinned = [pinned for pinned in pins if pinned.ids]
        self._words = [(word, ids) for word in params.probe_words if (ids := spelled(word, tokenizer))]
        self._looks, self._samples = Share(LOOKS, time.monotonic), Share(SAMPLES, time.monotonic)
        self._begun: tuple[int, float] | None = None
        self._start = 0
        self._expected = 0.0
        self._left = 0
        self._told = port.recorded.probe > 0
        if not port.recorded.series:
            for one in pins:
                self._complain(one)
        self._before: dict[str, Tensor] = {}
        self._gradients: dict[str, float] = {}

    def _complain(self, pinned: Pinned) -> None:
        if not pinned.ids:
            self._port.log(f"The pinned sentence “{pinned.text}” has no tokens and is left out.", "warning")
        elif pinned.cut:
            self._port.log(
                f"Of the pinned sentence “{pinned.text}” only the beginning is watched: it is too long.", "warning"
            )

    def due(self, step: int, planned: int | None, seconds: float) -> bool:
        """Whether the step that is being taken is recorded; `seconds` is what the run has taken so far."""
        if not self._pinned or step <= self._port.recorded.probe:
            return False
        pace = self._pace(step - 1, seconds - self._looks.spent - self._samples.spent)
        asked = self._port.asked("probe", step) is not None
        if asked or step in (self._first + 1, planned):
            return True
        if not probing.scheduled(step):
            return False
        last = planned or 2 * step
        self._expected = pace * (last - self._start)
        self._left = probing.remaining(step, last)
        return self._looks.affords(self._left, self._expected)

    def _pace(self, done: int, seconds: float) -> float:
        """Seconds a step of this attempt: without its first step, which is slow, as soon as there is another."""
        if self._begun is None:
            self._begun, self._start = (done, seconds), done
            return 0.0
        before, then = self._begun
        if before == self._start:
            self._begun = (done, seconds)
        return (seconds - then) / max(1, done - before)

    def before(self, learner: Learner) -> None:
        """Keep what the update will change, and measure its gradient."""
        weights = learner.weights()
        self._gradients = layers.lengths(learner.gradients())
        self._before = {name: tensor.clone() for name, tensor in weights.items()}

    def record(self, step: int, learner: Learner, last: bool) -> None:
        """Report how things stand after the step."""
        begun = self._looks.begin()
        looks = [look(learner.model, one, self._spelling, self._kind.attention, self._mask) for one in self._pinned]
        whole = [found for found in looks if found is not None]
        moved = self._moved(learner)
        if len(whole) < len(looks):
            self._port.log(
                "The pinned sentences give numbers that are not finite, and are not recorded here.", "warning"
            )
            return
        about = {} if self._told else {"about": self._about(whole, learner)}
        parts = [] if not self._words else [_bytes(self._vectors(learner).numpy().astype("<f4"))]
        left = probing.JOB_BYTES - self._port.recorded.probe_bytes - self._port.probed
        detail, attention = kept(whole, min(probing.RECORD_BYTES, left) - sum(map(len, parts)))
        self._looks.end(begun)
        data = {
            "step": step,
            "detail": detail,
            "sentences": [{"loss": found.loss, "places": found.places} for found in whole],
            "layers": moved,
            **self._sample(step, learner.model, last),
            **about,
        }
        self._told = True
        self._port.probe(data, [base64.b64encode(part).decode() for part in [*attention, *parts]])

    def _vectors(self, learner: Learner) -> Tensor:
        return word_vectors(learner.model, self._table(learner), [ids for _, ids in self._words]).cpu()

    def _table(self, learner: Learner) -> Tensor | None:
        """The token vectors in fp32, if they are learned."""
        table = learner.model.get_input_embeddings().weight
        names = (name for name, weight in learner.model.named_parameters() if weight is table)
        return learner.weights().get(next(names, ""))

    def _moved(self, learner: Learner) -> dict[str, list[Any]]:
        """The lengths of gradient, update and weights by layer."""
        weights, before = learner.weights(), self._before
        update = layers.lengths({name: tensor.sub_(weights[name]) for name, tensor in before.items()})
        size, names = layers.lengths(weights), layers.ordered(weights)
        self._before = {}
        columns = {"gradient": self._gradients, "update": update, "weight": size}
        return {"name": [*names], **{key: [_short(of.get(name, 0.0)) for name in names] for key, of in columns.items()}}

    def _sample(self, step: int, model: Any, last: bool) -> dict[str, Any]:
        """A short text, where the run writes none at this step anyhow and there is time for it."""
        params = self._params
        if self._kind.attention != "causal" or last or step % params.sample_interval == 0:
            return {}
        if not self._samples.affords(self._left, self._expected):
            return {}
        begun = self._samples.begin()
        ids = opening(self._tokenizer, self._kind.spoken(params, params.sample_prompt))
        choice = type(CHOICE)(CHOICE.temperature, CHOICE.top_k, CHOICE.top_p, params.seed)
        was_training = model.training
        model.eval()
        try:
            drawn = [token.id for token in write(model, ids, self._context, choice, SAMPLE_TOKENS)]
        except Spoiled:
            return {}
        finally:
            model.train(was_training)
            self._samples.end(begun)
        return {"sample": {"prompt": params.sample_prompt, "text": self._spelling.text(drawn)}}

    def _about(self, looks: list[Look], learner: Learner) -> dict[str, Any]:
        """What is true of all records, told with the first."""
        depth, heads = looks[0].attention.shape[:2]
        return {
            "sentences": [{"text": one.text, "cut": one.cut, "tokens": self._tokens(one)} for one in self._pinned],
            "words": [word for word, _ in self._words],
            "vectors": "states" if self._table(learner) is None else "embedding",
            "sight": self._kind.attention,
            "layers": depth,
            "heads": heads,
        }

    def _tokens(self, pinned: Pinned) -> list[dict[str, Any]]:
        writer = self._spelling.writer()
        return [
            {"id": index, "text": writer.add(index), "special": self._spelling.is_special(index)}
            for index in pinned.ids
        ]


def kept(looks: list[Look], room: int) -> tuple[str, list[bytes]]:
    """Attention in at most so many bytes: every head, or the mean of each layer's where that is too much, or none."""
    for detail in ("heads", "layers") if len(looks[0].attention) else ():
        every = [found.attention if detail == "heads" else found.attention.mean(1, keepdim=True) for found in looks]
        parts = [_bytes(probing.coded(weights.numpy())) for weights in every]
        if sum(map(len, parts)) <= room:
            return detail, parts
    return "none", [b"" for _ in looks]


def _bytes(array: NDArray[np.generic]) -> bytes:
    return zlib.compress(np.ascontiguousarray(array).tobytes(), 6)


def _short(value: float) -> float:
    return float(f"{value:.6g}")
