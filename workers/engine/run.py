"""A run made ready: everything that stands still while the loop goes round, and what the loop asks for by name.

Preparing means: tokens from the cache or made now, a network from the seed, the newest whole checkpoint. What is
prepared twice comes out the same.
"""

import shutil
import time
from dataclasses import replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import Tensor

from playground.domain.blanks import Question
from playground.domain.checkpoints import FOLDER
from playground.domain.errors import BadInput
from playground.domain.instructions.data import opening
from playground.domain.messages import Start
from playground.domain.registry import kinds
from playground.domain.training import Training
from workers.engine import adapters, bases, beginnings, checkpoints, compiling, fill, models, publish
from workers.engine import tokenizer as bpe
from workers.engine.batches import Tensors, tensors
from workers.engine.checkpoints import Progress
from workers.engine.clock import SaveClock
from workers.engine.corpus import Text, file_of, prepare
from workers.engine.distributed import Crew, align
from workers.engine.evaluation import evaluate
from workers.engine.listening import listening
from workers.engine.objectives import OBJECTIVES
from workers.engine.port import Port
from workers.engine.precision import HALVES, Learner, resolve
from workers.engine.probes import Probes
from workers.engine.resuming import resume
from workers.engine.samples import sample
from workers.engine.spelling import Spelling
from workers.engine.stopping import Best, judged


class Run:
    """One attempt of one job, ready for its loop; `progress` is where it continues from.

    With a crew of several it is what one of its processes has of the attempt.
    """

    def __init__(self, start: Start, port: Port, crew: Crew | None = None) -> None:
        crew = crew or Crew(0, [start.device])
        self.start, self.port, self.crew = start, port, crew
        self.kind = kinds()[start.kind]
        self.params = cast(Any, self.kind.Params.model_validate(start.params))
        self.folder = Path(start.folder)
        self.device = crew.device
        self.progress = Progress(planned=start.planned_steps)
        self.text = crew.in_turn(self._tokenize)
        self.learner = self._build()
        self.best = Best()
        self.val_loss: float | None = None
        self.compiled: str | None = None
        if crew.first:
            resume(self)
        align(self)
        with listening(self):
            compiling.settle(self)
        self.probes = Probes(self.params, self.kind, self.text, self.block, port, start.base_step or 0)
        self._saves = SaveClock(self.params.checkpoint_interval, self._state_bytes(), self.progress.step)

    def _tokenize(self) -> Text:
        inputs, params = self.start.inputs, self.params
        cache = self.folder.parent.parent / "cache"
        given = inputs.get("tokenizer") or inputs.get("model")
        text = prepare(cache, self.kind, params, inputs["corpus"], given, self.port)
        if not self.start.recorded.series:
            for note in text.data.notes:
                self.port.log(note, "warning")
        if self.crew.first and given is None and not self.start.recorded.series:
            size = text.tokenizer.get_vocab_size()
            self._hand_over_tokenizer(text, size)
            if size < params.vocab_size:
                self.port.log(f"The text has pairs for {size:,} tokens only: the vocabulary stays at that.", "warning")
        return text

    def _hand_over_tokenizer(self, text: Text, size: int) -> None:
        folder = self.folder / f"tokenizer-{self.start.attempt}"
        shutil.rmtree(folder, ignore_errors=True)
        bpe.save(text.tokenizer, folder, None)
        how, special = self.kind.tokenizer or "bpe", sorted(text.data.special)
        corpus = self.start.inputs["corpus"].sha256
        meta = {"vocab_size": size, "algorithm": how, "special": special, "corpus": corpus}
        self.port.artifact("tokenizer", str(folder), f"{bpe.TITLES[how]} {size}", meta)

    def _build(self) -> Learner:
        params, tokenizer = self.params, self.text.tokenizer
        precision = resolve(params.precision, self.device)
        base = self.start.inputs.get("model")
        if base is None:
            shape = params.shape(tokenizer.get_vocab_size())
            end, pad = bpe.end_of_text(tokenizer), self.text.data.special.get("pad")
            model = models.build(shape, params.dropout, end, params.seed, self.device, pad)
            if self.kind.objective == "masked":
                beginnings.begin(model, self.text.data, params)
        else:
            frozen = HALVES.get(precision, torch.float32) if self.kind.trains == "adapter" else torch.float32
            end, how = self.text.data.special.get("eos"), getattr(params, "quantization", "none")
            model = bases.open_base(Path(base.path), tokenizer, end, self.device, frozen, how)
            if self.kind.trains == "adapter":
                adapters.attach(model, params, base.sha256)
        return Learner(model.train(), params, precision)

    def rebuild(self, precision: str) -> None:
        """Make the network anew in the precision in which the run was begun."""
        self.params = self.params.model_copy(update={"precision": precision})
        self.learner = self._build()
        vars(self).pop("identity", None)

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What the numbers of this run depend on besides its parameters and data."""
        found = publish.environment(self.learner.precision, self.start.threads, self.device)
        found |= {"devices": self.crew.size, "compiled": self.compiled}
        return found | ({"peft": adapters.VERSION} if self.kind.trains == "adapter" else {})

    @property
    def block(self) -> int:
        """Tokens in a row of a batch."""
        return self.text.data.block or int(self.params.block_size)

    @cached_property
    def byte_lengths(self) -> NDArray[np.int64]:
        """(vocabulary,): bytes of text per token."""
        return Spelling(self.text.tokenizer).lengths()

    def planned(self) -> int | None:
        """Steps of the whole run, or None before a budget in minutes has been timed."""
        budget: Training = self.params
        per_step = budget.batch_size * budget.gradient_accumulation * self.block
        return budget.planned(per_step) or self.progress.planned

    def batch(self, step: int, micro: int) -> Tensors:
        """What one forward pass gets, or this process's part of it: a pure function of seed, step and micro."""
        made = self.kind.batch(self.text.data, self.params, "train", step, micro)
        if made is None:
            raise BadInput("The corpus gives no batch.")
        return tensors(made, self.device, self.crew.rank, self.crew.size)

    def loss(self, batch: Tensors, step: int, micro: int) -> Tensor:
        """The objective of this kind; the random numbers of its dropout depend on seed, step and micro alone.

        In a crew it is this process's summand of it, with dropout of its own.
        """
        source = (self.params.seed, step, micro, *([self.crew.rank] if self.crew.rank else []))
        torch.manual_seed(int(np.random.SeedSequence(source).generate_state(1)[0]))
        return OBJECTIVES[self.kind.objective](self.learner.model, batch) / self.crew.size

    def held_out(self, step: int | None = None) -> dict[str, float]:
        """What the model as it stands makes of the held-out text. Raises NotFinite where that is no number."""
        step = self.progress.step if step is None else step
        return evaluate(self.learner.model, self.kind, self.text.data, self.params, self.byte_lengths, step)

    def evaluate(self, step: int, *, counts: bool = True) -> None:
        """Report the loss on held-out text; `counts` says whether it is one of those that may end the run early."""
        values = self.held_out(step)
        self.val_loss = values["val_loss"]
        self.port.metrics(step, **values)
        if counts and self.params.patience is not None:
            self.progress = judged(self.progress, self.val_loss, step, self.params.min_improvement)
            if self.progress.best_step == step:
                self.best.keep(self.learner.weights())

    def tired(self) -> bool:
        """Whether the held-out loss has not improved for as long as the run is to wait; then says so."""
        patience, stood = self.params.patience, self.progress
        if patience is None or stood.waited < patience:
            return False
        self.port.log(
            f"Ended after step {stood.step:,}: no evaluation since step {stood.best_step:,} was better than its "
            f"{stood.best_loss:.4f}."
        )
        return True

    def sample(self, step: int, prompt: str | None = None) -> None:
        """Report a text that the model writes now, or its words for the blanks of one."""
        params, model = self.params, self.learner.model
        given = params.sample_prompt if prompt is None else prompt
        if self.kind.objective == "masked":
            question = Question(prompt, ()) if prompt else self._question
            found = fill.sample(model, self.text, question, params.sample_tokens)
            self.port.sample(step, found["text"], found["filled"], blanks=found["blanks"])
            return
        tokenizer, context = self.text.tokenizer, model.config.max_position_embeddings
        spoken, end = self.kind.spoken(params, given), None
        if self.kind.tokenizer is None:
            # A base is asked as it will be asked later: with what its tokenizer puts before a text, up to the end.
            end, spoken = self.text.data.special.get("eos"), opening(tokenizer) + spoken
        written = sample(model, tokenizer, spoken, context, params.sample_tokens, params.seed, end)
        self.port.sample(step, given, written)

    @cached_property
    def _question(self) -> Question:
        """What a masked model is asked for: the prompt, or a line of the held-out text with words left out."""
        params, text = self.params, self.text
        if params.sample_prompt:
            return Question(params.sample_prompt, ())
        source = file_of(self.start.inputs["corpus"], "text.txt")
        return fill.held_out_question(source, params.held_out, text.tokenizer, text.data.special)

    def save_due(self) -> bool:
        """Whether the state should be saved now."""
        return self._saves.due(self.progress.step, self.planned())

    def save(self) -> None:
        """Write a checkpoint of where the run stands, and report it."""
        begun, step = time.monotonic(), self.progress.step
        folder, number = self.folder / FOLDER, self.start.attempt
        tensors, tail = chain(self.learner.state(), self.best.state()), self.port.tail()
        path = checkpoints.save(folder, number, self.progress, tensors, self.identity, tail, self.text.sha256)
        seconds = time.monotonic() - begun
        self._saves.saved(step, seconds)
        self.port.checkpoint(step, str(path.relative_to(self.folder)), self._state_bytes(), seconds)

    def finish(self) -> None:
        """Hand over the model of a run that has come to its end, and keep its last state for those who go on from it.

        With patience, the model is that of the best evaluation.
        """
        stood = self.progress
        if self.best.weights and stood.best_step < stood.step:
            self.port.log(f"The model is that of step {stood.best_step:,}, where the held-out loss was lowest.")
            self.progress, self.val_loss = replace(stood, step=stood.best_step), stood.best_loss
            self.publish(self.best.weights)
            self.progress = stood
        else:
            self.publish()
        try:
            self.save()
        except (OSError, SafetensorError):
            self.port.log("The last state could not be kept; the run can be forked at earlier ones.", "warning")

    def publish(self, weights: dict[str, Tensor] | None = None) -> None:
        """Write the model as it stands, or with other weights, and hand it over."""
        model, weights = self.learner.model, weights or self.learner.weights()
        about = publish.receipt(self.start, self.params, self.text.sha256, self.identity, self.progress)
        # One for each attempt: a child whose worker was frozen may still be here when the next one publishes.
        folder = self.folder / f"model-{self.start.attempt}"
        base, given = self.start.inputs.get("model"), None
        meta = bases.describe(model) | {
            "job": self.start.job,
            "kind": self.start.kind,
            "step": self.progress.step,
            "val_loss": self.val_loss,
        }
        if self.kind.objective == "masked":
            meta |= {"sample": self._question.text}
        if base is not None:
            given = publish.base_tokenizer(Path(base.path), self.text, self.params.template)
            meta |= {"instruct": True, "template": self.params.template}
        if self.kind.trains == "adapter" and base is not None:
            publish.save_adapter(folder, model, weights, self.text.tokenizer, about, given)
            meta |= adapters.about(model, base.sha256, self.params)
        else:
            publish.save_model(folder, model, weights, self.text.tokenizer, about, given)
        self.port.artifact("model", str(folder), self.kind.title, meta)

    def _state_bytes(self) -> int:
        kept = 12 if self.params.patience is None else 16
        return kept * sum(tensor.numel() for tensor in self.learner.weights().values())
