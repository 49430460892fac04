"""The parameters that every training run by gradient descent has: budget, optimizer, evaluation, seed.

A kind's `Params` derives from `Training` and adds its data and its model. Exactly one of `steps`, `minutes` and
`tokens` is the budget. All functions of the step number are pure, so that a resumed run repeats them exactly.
"""

import math
from typing import Any, Literal

from pydantic import ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from playground.domain.knobs import Knobs, knob
from playground.domain.probing import MAX_CHARACTERS, MAX_SENTENCES, MAX_WORDS, WORD_CHARACTERS

DEFAULT_STEPS = 300
MAX_STEPS = 10_000_000
MAX_MINUTES = 7 * 24 * 60
MAX_DEVICES = 8
MAX_THREADS = 256
"""More than the cores of the machines that this is made for; each costs memory."""
PROMPT_CHARACTERS = 2_000
TIMED_STEPS = 10
"""A budget in minutes becomes a number of steps once this many steps have been timed."""


class Training(Knobs):
    """Budget, optimizer, evaluation and reproducibility of a run."""

    steps: int | None = knob(
        DEFAULT_STEPS, "budget", "Steps", "Number of updates. Give steps, minutes or tokens.", ge=1, le=MAX_STEPS
    )
    minutes: float | None = knob(
        None,
        "budget",
        "Minutes",
        "Time to train for; becomes a number of steps once the first ten have been timed.",
        "min",
        ge=0.05,
        le=MAX_MINUTES,
    )
    tokens: int | None = knob(
        None,
        "budget",
        "Tokens",
        "Number of tokens to learn from, repeats counted.",
        "tokens",
        ge=1,
        le=10**12,
        validate_default=True,
    )
    batch_size: int = knob(
        16, "budget", "Batch size", "Texts in one forward pass. More is steadier, and needs more memory.", ge=1, le=1024
    )
    gradient_accumulation: int = knob(
        1, "budget", "Gradient accumulation", "Forward passes whose gradients are averaged into one step.", ge=1, le=256
    )
    learning_rate: float = knob(
        3e-3, "optimizer", "Learning rate", "Size of the largest update, reached after the warm-up.", gt=0, le=1e10
    )
    min_learning_rate_ratio: float = knob(
        0.1, "optimizer", "Final learning rate", "Share of the learning rate that is left at the end.", ge=0, le=1
    )
    warmup_steps: int = knob(
        20, "optimizer", "Warm-up", "Steps in which the learning rate rises from zero.", "steps", ge=0, le=MAX_STEPS
    )
    beta1: float = knob(0.9, "optimizer", "Beta 1", "Memory of AdamW's running mean of the gradient.", ge=0, lt=1)
    beta2: float = knob(0.99, "optimizer", "Beta 2", "Memory of AdamW's running mean of its square.", ge=0, lt=1)
    weight_decay: float = knob(
        0.1, "optimizer", "Weight decay", "Pull of the weight matrices towards zero in each step.", ge=0, le=10
    )
    clip: float = knob(
        1.0, "optimizer", "Gradient clipping", "Largest length of the gradient; 0 switches clipping off.", ge=0, le=1e6
    )
    precision: Literal["auto", "fp32", "bf16", "fp16"] = knob(
        "auto", "optimizer", "Precision", "Number format of the network's arithmetic; auto takes the faster one."
    )
    compile: Literal["auto", "on", "off"] = knob(
        "auto",
        "optimizer",
        "Compile",
        "The network becomes machine code made for it: faster steps after a wait; auto where a long run gains by it.",
    )
    gradient_checkpointing: bool = knob(
        False,
        "optimizer",
        "Gradient checkpointing",
        "Layers are computed again on the way back, not kept: much less memory, a third more time, the same gradients.",
    )
    devices: int = knob(
        1,
        "optimizer",
        "Devices",
        "Each takes an equal part of every batch, and they learn the same as one; on a CPU, processes that share it.",
        ge=1,
        le=MAX_DEVICES,
    )
    seed: int = knob(
        1, "optimizer", "Seed", "Same seed, same machine: the same run, number by number.", ge=0, le=2**32 - 1
    )
    threads: int | None = knob(
        None,
        "optimizer",
        "Threads",
        "Processor threads of the run; empty: those that the worker has for it. Another number, other last digits.",
        ge=1,
        le=MAX_THREADS,
    )
    eval_interval: int = knob(
        50, "evaluation", "Evaluate every", "Steps between two looks at the held-out text.", "steps", ge=1, le=MAX_STEPS
    )
    eval_batches: int = knob(
        8, "evaluation", "Evaluation batches", "Batches of held-out text, the same ones each time.", ge=1, le=1000
    )
    patience: int | None = knob(
        None,
        "evaluation",
        "Patience",
        "End after so many evaluations in a row that were no better, and keep the best; empty: train to the end.",
        "evaluations",
        ge=1,
        le=1000,
    )
    min_improvement: float = knob(
        0.0, "evaluation", "Least improvement", "How far the loss must fall to count as better.", "nats", ge=0, le=100
    )
    sample_interval: int = knob(
        100, "evaluation", "Sample every", "Steps between two texts written by the model.", "steps", ge=1, le=MAX_STEPS
    )
    sample_prompt: str = knob(
        "", "evaluation", "Sample prompt", "The beginning that the model continues.", max_length=PROMPT_CHARACTERS
    )
    sample_tokens: int = knob(80, "evaluation", "Sample length", "Tokens in a sample.", "tokens", ge=1, le=512)
    checkpoint_interval: int | None = knob(
        None,
        "evaluation",
        "Checkpoint every",
        "Steps between two saved states; empty: about every ten seconds.",
        "steps",
        ge=1,
        le=MAX_STEPS,
    )
    probes: list[str] = knob(
        [],
        "probes",
        "Pinned sentences",
        "Sentences that are watched from inside while the model learns; the first 64 tokens of each.",
        max_length=MAX_SENTENCES,
    )
    probe_words: list[str] = knob(
        [],
        "probes",
        "Followed words",
        "Words whose vectors are watched while the model learns, with at least one pinned sentence.",
        max_length=MAX_WORDS,
    )

    @field_validator("devices")
    @classmethod
    def _equal_parts(cls, devices: int, info: ValidationInfo) -> int:
        batch = info.data.get("batch_size", devices)
        if batch % devices:
            message = "A batch of {batch} cannot be divided evenly among {devices} devices."
            raise PydanticCustomError("devices", message, {"batch": batch, "devices": devices})
        return devices

    @field_validator("probes", "probe_words")
    @classmethod
    def _texts(cls, texts: list[str], info: ValidationInfo) -> list[str]:
        most = MAX_CHARACTERS if info.field_name == "probes" else WORD_CHARACTERS
        texts = [text.strip() for text in texts]
        if not all(texts):
            raise PydanticCustomError("probe", "There is nothing in one of them.")
        if any(len(text) > most for text in texts):
            raise PydanticCustomError("probe", "Each has at most {most} characters.", {"most": most})
        if len(set(texts)) < len(texts):
            raise PydanticCustomError("probe", "One of them stands there twice.")
        return texts

    @model_validator(mode="before")
    @classmethod
    def _another_budget_replaces_the_default(cls, data: Any) -> Any:
        if isinstance(data, dict) and "steps" not in data and (data.get("minutes"), data.get("tokens")) != (None, None):
            return {**data, "steps": None}
        return data

    @field_validator("tokens")
    @classmethod
    def _exactly_one_budget(cls, tokens: int | None, info: ValidationInfo) -> int | None:
        if not {"steps", "minutes"} <= info.data.keys():
            return tokens
        budgets = (info.data["steps"], info.data["minutes"], tokens)
        if sum(budget is not None for budget in budgets) != 1:
            raise PydanticCustomError("budget", "Give exactly one of steps, minutes and tokens.")
        return tokens

    def planned(self, tokens_per_step: int) -> int | None:
        """Number of steps of the budget, or None while a budget in minutes has not been timed."""
        if self.steps is not None:
            return self.steps
        return None if self.tokens is None else max(1, math.ceil(self.tokens / tokens_per_step))

    def rate(self, step: int, steps: int) -> float:
        """Learning rate of a step (from 1) of so many: linear warm-up, then half a cosine down to its last share.

        With a budget in minutes the warm-up covers the steps that are timed, so that no rate before the plan depends
        on the plan.
        """
        warmup = min(self.warmup_steps, steps) if self.minutes is None else max(self.warmup_steps, TIMED_STEPS)
        if step <= warmup:
            return self.learning_rate * (step / warmup)
        progress = (step - warmup) / max(1, steps - warmup)
        share = self.min_learning_rate_ratio
        return self.learning_rate * (share + (1 - share) * 0.5 * (1 + math.cos(math.pi * progress)))
