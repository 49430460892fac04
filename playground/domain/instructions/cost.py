"""What a run on instructions will cost: a base that is read, and the part of it, or beside it, that is trained.

With an adapter, operations are four for each parameter and token: forward two, backward two more for the gradients that
pass through; those of the frozen weights themselves are never computed. With all weights it is the usual six. The
output layer works for the tokens of answers alone.
"""

import math
from dataclasses import replace
from typing import Any

from playground.domain import lora
from playground.domain.compiling import UNEQUAL
from playground.domain.errors import BadInput
from playground.domain.estimate import KEPT, footprint, misplaced, on_devices, resolve, too_many
from playground.domain.instructions.data import block_of
from playground.domain.instructions.params import BLOCK, Tuning
from playground.domain.instructions.records import KEYS, MAX_LINE
from playground.domain.kind import Estimate, Facts, Memory, Problem
from playground.domain.pace import Load, Plan, compiled, logits, pace_of, scores
from playground.domain.presets import Shape, feed_forward

MASKED = frozenset({"bert", "roberta", "distilbert", "modernbert", "electra"})
"""Architectures that fill gaps and cannot write a text on."""
OPENING_BYTES, TOKEN_BYTES = 40 * 2**20, 4 * 2**10
"""What opening a base and packing examples leave behind, and each token of the base's vocabulary: measured peaks."""
ADAPTED = 1.25
"""What the outputs of adapters beside those of their layers multiply a step's activations by: measured peaks."""
SPARE = 0.9
"""Share of a block that packing fills with examples, as a rule."""
ANSWERED = 0.5
"""Share of a block's tokens that are learned, as a rule: those of the answers."""


def estimate(params: Tuning, facts: Facts, rank: int | None, wanted: str | list[str] = lora.ALL) -> Estimate:
    """Parameters, memory and time; without a rank all weights are trained. All that is wrong stands in `problems`."""
    model = facts.model or {}
    problems = _misfits(params, facts)
    try:
        block = block_of(params, model.get("context"))
    except BadInput as error:
        block = params.block_size or BLOCK
        problems.append(Problem(field="block_size", message=error.message))
    parameters, trained = int(model.get("parameters", 0)), int(model.get("parameters", 0))
    if rank is not None:
        try:
            linear = model.get("linear") or {}
            trained = lora.parameters(linear, lora.targets(linear, wanted), rank) if linear else 0
        except BadInput as error:
            trained = 0
            problems.append(Problem(field="target_modules", message=error.message))
    precision = resolve(params.precision, max(1, parameters), facts)
    per_step = params.batch_size * params.gradient_accumulation * block
    pace = pace_of(facts.speed, max(1, parameters), precision, "packed" if rank is None else "adapter")
    each = operations(model, trained, adapter=rank is not None)
    steps, plan = params.planned(per_step), None
    if pace is not None and each:
        once = params.batch_size * block
        sizes = (trained, 0 if rank is None else parameters)
        compared = scores(
            params.batch_size, block, *(int(model.get(name, 1)) for name in ("heads", "layers")), causal=False
        )
        plan = Plan(
            params,
            pace,
            Load(float(each * once), compared + logits(once * ANSWERED, int(model.get("vocab_size", 0)))),
            held=_tokens(params, facts) * params.held_out / SPARE / once,
            compiled=compiled(params, facts, *sizes, per_step, precision, auto=rank is None and params.packing),
        )
        steps = plan.steps(per_step)
    tokens = None if steps is None else steps * per_step
    flops = None if tokens is None else float(each * tokens)
    memory = on_devices(_memory(params, facts, block, parameters, trained, frozen=rank is not None), params, facts)
    problems += too_many(params, facts) + misplaced(params, facts)
    if params.compile == "on" and not params.packing:
        problems.append(Problem(field="compile", message=UNEQUAL))
    if memory.available is not None and memory.total > memory.available:
        need, have = memory.total / 2**30, memory.available / 2**30
        message = f"Needs {need:.1f} GiB of memory and there are {have:.1f} GiB: take a smaller batch or block."
        problems.append(Problem(field="batch_size", message=message))
    return Estimate(
        parameters=parameters + (trained if rank is not None else 0),
        trained=trained,
        tokens_per_step=per_step,
        steps=steps,
        tokens=tokens,
        passes=None if tokens is None else tokens * SPARE / max(1, _tokens(params, facts)),
        flops=flops,
        memory=memory,
        seconds=None if plan is None or steps is None else plan.seconds(steps),
        precision=precision,
        fits=not problems,
        problems=problems,
    )


def operations(model: dict[str, Any], trained: int, *, adapter: bool, asked: float = ANSWERED) -> int:
    """Operations for each token of a block: products with the base's layers, and with those of an adapter beside them.

    A base of which the layers are not known counts with all parameters but its table of tokens.
    """
    head = int(model.get("vocab_size", 0)) * int(model.get("width", 0))
    inside = sum(inner * outer * many for rows in (model.get("linear") or {}).values() for inner, outer, many in rows)
    inside = inside or max(0, int(model.get("parameters", 0)) - head)
    return round((4 if adapter else 6) * (inside + asked * head)) + (6 * trained if adapter else 0)


def _misfits(params: Tuning, facts: Facts) -> list[Problem]:
    """What is known before a row is read: that the corpus or the model is of another sort."""
    problems = []
    if facts.model is not None and facts.model.get("adapter"):
        message = "This is an adapter. Take its base model, or merge the two first."
        problems.append(Problem(field="model", message=message))
    if facts.model is not None and facts.model.get("architecture") in MASKED:
        message = "This model fills in gaps and cannot write on. Take one that was trained to continue a text."
        problems.append(Problem(field="model", message=message))
    if facts.rows is None:
        return problems
    if not facts.rows.get("rows"):
        message = "This corpus is not JSONL with questions and answers, one a line."
        problems.append(Problem(field="corpus", message=message))
        return problems
    if facts.rows.get("long") is not None:
        message = f"Row {facts.rows['long']} of the corpus is longer than {MAX_LINE} characters, which no example is."
        problems.append(Problem(field="corpus", message=message))
    wanted = params.form
    unfit = facts.rows.get("unfit") if wanted is None else facts.rows.get("without", {}).get(wanted)
    if unfit is not None:
        needed = " / ".join(" + ".join(keys) for form, keys in KEYS.items() if wanted in (None, form))
        message = f"Row {unfit} of the corpus lacks the keys that are needed: {needed}."
        problems.append(Problem(field="corpus", message=message))
    return problems


def _tokens(params: Tuning, facts: Facts) -> int:
    """Tokens of the examples, by the usual bytes per token of a vocabulary of that size."""
    vocabulary = int((facts.model or {}).get("vocab_size", 0)) or 2048
    return facts.corpus_tokens or round(facts.corpus_bytes / max(1.0, 0.4 * math.log2(vocabulary) - 1.55))


def _memory(params: Tuning, facts: Facts, block: int, parameters: int, trained: int, *, frozen: bool) -> Memory:
    """Peak memory of a step: the base in the precision of the arithmetic, masters and moments of what is trained."""
    precision = resolve(params.precision, max(1, parameters), facts)
    shape = _shape(facts.model or {}, block)
    whole = footprint(params, shape, 0.0, precision, facts)
    wide = 4 if precision == "fp32" else 2
    frozen_wide = 1 if getattr(params, "quantization", "none") == "nf4" else wide
    master = trained * (4 if precision == "fp32" else 6)
    held = whole.activations * ADAPTED if frozen else whole.activations
    # What packing hides: a mask in fp32, and for each head the mask, the scores and their softmax, one layer at a time.
    hidden = params.batch_size // params.devices * block**2 * (4 + 3 * shape.n_head * wide)
    parts: dict[str, Any] = {
        "activations": round(held) + hidden,
        "weights": (parameters * frozen_wide if frozen else 0) + master,
        "gradients": master,
        "optimizer": trained * 8,
        "other": whole.other + OPENING_BYTES + TOKEN_BYTES * shape.vocab_size,
    }
    total = sum(parts.values()) + whole.logits
    return whole.model_copy(update={**parts, "total": total})


def _shape(model: dict[str, Any], block: int) -> Shape:
    """The dimensions of the base as far as they are known; the nearest architecture that memory was measured with."""
    architecture = str(model.get("architecture", "llama"))
    width, heads = int(model.get("width", 64)), int(model.get("heads", 1))
    known = architecture if any(name == architecture for name, _ in KEPT) else "llama"
    shape = Shape("llama", 0, 1, 1, width, feed_forward("llama", width), int(model.get("vocab_size", 2)), block, True)
    if known == "gpt2":
        shape = replace(shape, architecture="gpt2", d_ff=feed_forward("gpt2", width))
    inner = max((outer for rows in (model.get("linear") or {}).values() for _, outer, _ in rows), default=shape.d_ff)
    return replace(shape, n_layer=int(model.get("layers", 1)), n_head=heads, n_kv_head=heads, d_ff=inner)
