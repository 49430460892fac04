"""A run made ready: everything that stands still while the loop goes round, and what the loop asks for by name.

Preparing means: tokens from the cache or made now, a network from the seed, the newest whole checkpoint. What is
prepared twice comes out the same.
"""

import shutil
import time
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from playground.domain.errors import BadInput
from playground.domain.messages import Start
from playground.domain.registry import kinds
from playground.domain.training import Training
from workers.engine import checkpoints, models, publish
from workers.engine import tokenizer as bpe
from workers.engine.batches import Tensors, tensors
from workers.engine.checkpoints import Progress
from workers.engine.clock import SaveClock
from workers.engine.corpus import Text, prepare
from workers.engine.evaluation import evaluate
from workers.engine.objectives import OBJECTIVES
from workers.engine.port import Port
from workers.engine.precision import Learner, resolve
from workers.engine.probes import Probes
from workers.engine.samples import sample
from workers.engine.spelling import Spelling


class Run:
    """One attempt of one job, ready for its loop; `progress` is where it continues from."""

    def __init__(self, start: Start, port: Port) -> None:
        self.start, self.port = start, port
        self.kind = kinds()[start.kind]
        self.params = cast(Any, self.kind.Params.model_validate(start.params))
        self.folder = Path(start.folder)
        self.device = torch.device(start.device)
        self.progress = Progress(planned=start.planned_steps)
        self.text = self._tokenize()
        self.learner = self._build()
        self._resume()
        self.probes = Probes(self.params, self.kind, self.text, self.shape.block_size, port, start.base_step or 0)
        self._saves = SaveClock(self.params.checkpoint_interval, self._state_bytes(), self.progress.step)
        self.val_loss: float | None = None

    def _tokenize(self) -> Text:
        inputs, params = self.start.inputs, self.params
        cache = self.folder.parent.parent / "cache"
        given = inputs.get("tokenizer") or inputs.get("model")
        text = prepare(cache, self.kind, params, inputs["corpus"], given, self.port)
        if not self.start.recorded.series:
            for note in text.data.notes:
                self.port.log(note, "warning")
        if given is None and not self.start.recorded.series:
            size = text.tokenizer.get_vocab_size()
            self._hand_over_tokenizer(text, size)
            if size < params.vocab_size:
                self.port.log(f"The text has pairs for {size:,} tokens only: the vocabulary stays at that.", "warning")
        return text

    def _hand_over_tokenizer(self, text: Text, size: int) -> None:
        folder = self.folder / f"tokenizer-{self.start.attempt}"
        shutil.rmtree(folder, ignore_errors=True)
        bpe.save(text.tokenizer, folder, None)
        meta = {"vocab_size": size, "algorithm": "bpe", "corpus": self.start.inputs["corpus"].sha256}
        self.port.artifact("tokenizer", str(folder), f"BPE {size}", meta)

    def _build(self) -> Learner:
        params = self.params
        self.shape = params.shape(self.text.tokenizer.get_vocab_size())
        end = bpe.end_of_text(self.text.tokenizer)
        model = models.build(self.shape, params.dropout, end, params.seed, self.device)
        return Learner(model.train(), params, resolve(params.precision, self.device))

    def _resume(self) -> None:
        folder = self.folder / "checkpoints"
        checkpoints.tidy(folder)
        whole = checkpoints.newest(folder, lambda complaint: self.port.log(complaint, "warning"))
        found = next((checkpoint for checkpoint in whole if self.port.joins(checkpoint.tail)), None)
        if found is None:
            return
        if found.identity["precision"] != self.learner.precision:
            self.params = self.params.model_copy(update={"precision": found.identity["precision"]})
            self.learner = self._build()
        changed = sorted(name for name, value in self.identity.items() if found.identity.get(name) != value)
        if changed:
            self.port.log(
                f"Other than before: {', '.join(changed)}. The curve may differ in its last digits.", "warning"
            )
        self.learner.load(found.tensors, found.progress.step)
        self.progress = replace(found.progress, planned=found.progress.planned or self.progress.planned)
        self.port.log(f"Resumed after step {self.progress.step:,}.")
        self.port.replay(found.tail)

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What the numbers of this run depend on besides its parameters and data."""
        return publish.environment(self.learner.precision, self.start.threads, self.device)

    @cached_property
    def byte_lengths(self) -> NDArray[np.int64]:
        """(vocabulary,): bytes of text per token."""
        return Spelling(self.text.tokenizer).lengths()

    def planned(self) -> int | None:
        """Steps of the whole run, or None before a budget in minutes has been timed."""
        budget: Training = self.params
        per_step = budget.batch_size * budget.gradient_accumulation * self.shape.block_size
        return budget.planned(per_step) or self.progress.planned

    def batch(self, step: int, micro: int) -> Tensors:
        """What one forward pass gets: a pure function of seed, step and micro."""
        made = self.kind.batch(self.text.data, self.params, "train", step, micro)
        if made is None:
            raise BadInput("The corpus gives no batch.")
        return tensors(made, self.device)

    def loss(self, batch: Tensors, step: int, micro: int) -> Tensor:
        """The objective of this kind; the random numbers of its dropout depend on seed, step and micro alone."""
        torch.manual_seed(int(np.random.SeedSequence((self.params.seed, step, micro)).generate_state(1)[0]))
        return OBJECTIVES[self.kind.objective](self.learner.model, batch)

    def evaluate(self, step: int) -> None:
        """Report the loss on held-out text."""
        values = evaluate(self.learner.model, self.kind, self.text.data, self.params, self.byte_lengths, step)
        self.val_loss = values["val_loss"]
        self.port.metrics(step, **values)

    def sample(self, step: int) -> None:
        """Report a text that the model writes now."""
        params, model = self.params, self.learner.model
        spoken = self.kind.spoken(params, params.sample_prompt)
        written = sample(model, self.text.tokenizer, spoken, self.shape.block_size, params.sample_tokens, params.seed)
        self.port.sample(step, params.sample_prompt, written)

    def save_due(self) -> bool:
        """Whether the state should be saved now."""
        return self._saves.due(self.progress.step, self.planned())

    def save(self) -> None:
        """Write a checkpoint of where the run stands, and report it."""
        begun, step = time.monotonic(), self.progress.step
        folder = self.folder / "checkpoints"
        tensors, tail = self.learner.state(), self.port.tail()
        path = checkpoints.save(folder, self.start.attempt, self.progress, tensors, self.identity, tail)
        seconds = time.monotonic() - begun
        self._saves.saved(step, seconds)
        self.port.checkpoint(step, str(path.relative_to(self.folder)), self._state_bytes(), seconds)

    def publish(self, weights: dict[str, Tensor] | None = None) -> None:
        """Write the model as it stands, or with other weights, and hand it over."""
        tokenizer, model, shape = self.text.tokenizer, self.learner.model, self.shape
        about = publish.receipt(self.start, self.params, self.text.sha256, self.identity, self.progress)
        # One for each attempt: a child whose worker was frozen may still be here when the next one publishes.
        folder = self.folder / f"model-{self.start.attempt}"
        publish.save_model(folder, model, weights or self.learner.weights(), tokenizer, about)
        meta = {
            "parameters": sum(tensor.numel() for tensor in self.learner.weights().values()),
            "vocab_size": shape.vocab_size,
            "context": shape.block_size,
            "architecture": shape.architecture,
            "layers": shape.n_layer,
            "width": shape.d_model,
            "heads": shape.n_head,
            "job": self.start.job,
            "kind": self.start.kind,
            "step": self.progress.step,
            "val_loss": self.val_loss,
        }
        self.port.artifact("model", str(folder), f"{self.kind.title} {self.params.preset or 'by hand'}", meta)

    def rescue(self) -> None:
        """After a loss that is not finite: hand over the model of the last good checkpoint, if there is one."""
        found = next(checkpoints.newest(self.folder / "checkpoints", self.port.log), None)
        if found is not None:
            prefix = "weight/"
            weights = {name[len(prefix) :]: tensor for name, tensor in found.tensors.items() if name.startswith(prefix)}
            self.progress, self.val_loss = found.progress, None
            self.publish(weights)

    def _state_bytes(self) -> int:
        return 12 * sum(tensor.numel() for tensor in self.learner.weights().values())
