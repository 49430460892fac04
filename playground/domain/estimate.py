"""What a training run of a decoder will cost in parameters, operations, memory and time.

Parameters are exact. Operations follow the usual rule of six for each parameter and token (Kaplan et al.,
2020: two for the forward pass, four for the backward pass); a masked model's head counts for the hidden tokens
alone. Memory adds up what the engine really keeps, with the activations of one forward pass as the largest
unknown. Seconds come from what a worker measured on its own machine (`pace.py`).
"""

from typing import Literal

from playground.domain.kind import Estimate, Facts, Memory, Problem
from playground.domain.pace import Plan, compiled, faster, load_of, pace_of
from playground.domain.presets import Shape, count, multiplied
from playground.domain.training import Training

Precision = Literal["fp32", "bf16", "fp16"]
NO_FP16 = "fp16 needs a CUDA device, and the runs here are computed on the CPU. Take bf16 or fp32."

LIBRARIES_BYTES = 360 * 2**20
"""Resident memory of an engine with its libraries (torch's build for CPUs), where no worker has told its own."""

PAD_BYTES = 60 * 2**20
"""What the allocator keeps ready, and a run's tokens and tokenizer."""

LOSS_ELEMENTS, LOSS_ROWS = 2**21, 128
"""Logits that the chunked loss holds at once, and the fewest rows that keep its matrix products efficient."""

GRANULE = 128
"""Rows with a label are counted in these: with another number of rows in every step, the allocator's memory would fall
into ever smaller pieces."""

LOGIT_BYTES = 16
"""For each logit that is held: itself in two precisions, its exponential, its gradient."""

KEPT = {
    ("llama", "fp32"): (16, 4, 1.0),
    ("llama", "bf16"): (14, 4, 1.0),
    ("gpt2", "fp32"): (12, 2, 1.0),
    ("gpt2", "bf16"): (18, 2, 1.0),
    ("bert", "fp32"): (14, 4, 1.0),
    ("bert", "bf16"): (16, 4, 1.3),
}
"""Numbers that a step holds for each token and layer: vectors as wide as the model, vectors of the inner width, rows
of attention. Measured from peak memory, with the engine's leaner layers."""

DROPOUT_EXTRA = {"llama": 1.15, "gpt2": 1.15, "bert": 1.6}
"""What the masks of dropout multiply that by; with dropout of attention, BERT's leaner form cannot be used."""

SLOWER = {"llama": 1.5, "gpt2": 1.5, "bert": 1.6}
"""What dropout multiplies the time of a pass by, as measured: masks are drawn, and attention takes its longer form."""


def estimate(
    params: Training,
    shape: Shape,
    dropout: float,
    facts: Facts,
    tokens_in_corpus: int,
    problems: list[Problem],
    held_out: float,
    asked: float = 1.0,
) -> Estimate:
    """The full estimate; `problems` are those that the kind has found already, `asked` the share of tokens to learn."""
    parameters, each = count(shape), 6 * multiplied(shape, asked)
    precision = resolve(params.precision, parameters, facts)
    per_step = params.batch_size * params.gradient_accumulation * shape.block_size
    masked = shape.architecture == "bert"
    pace = pace_of(facts.speed, parameters, precision, "masked" if masked else "next_token")
    steps, plan = params.planned(per_step), None
    if pace is not None:
        once = params.batch_size * shape.block_size
        plan = Plan(
            params,
            pace,
            load_of(shape, params.batch_size, asked),
            held=tokens_in_corpus * held_out / once,
            compiled=compiled(params, facts, parameters, 0, per_step, precision, auto=not masked),
            slower=SLOWER[shape.architecture] if dropout else 1.0,
        )
        steps = plan.steps(per_step)
    tokens = None if steps is None else steps * per_step
    flops = None if tokens is None else float(each * tokens)
    memory = on_devices(footprint(params, shape, dropout, precision, facts), params, facts)
    problems = problems + too_many(params, facts) + misplaced(params, facts)
    if memory.available is not None and memory.total > memory.available:
        problems = [*problems, _too_large(memory)]
    return Estimate(
        parameters=parameters,
        tokens_per_step=per_step,
        steps=steps,
        tokens=tokens,
        passes=None if tokens is None else tokens / max(1, tokens_in_corpus),
        flops=flops,
        memory=memory,
        seconds=None if plan is None or steps is None else plan.seconds(steps),
        precision=precision,
        fits=not problems,
        problems=problems,
    )


def resolve(wanted: str, parameters: int, facts: Facts) -> Precision:
    """The precision that `auto` will most likely take: the one measured as faster at this size, else fp32."""
    if wanted in ("bf16", "fp16"):
        return "bf16" if wanted == "bf16" else "fp16"
    return "bf16" if wanted == "auto" and faster(facts.speed, parameters) else "fp32"


def misplaced(params: Training, facts: Facts) -> list[Problem]:
    """A number format that the machine is not made for; processors have bf16, or nothing faster than fp32."""
    if params.precision != "fp16" or facts.device.startswith("cuda"):
        return []
    return [Problem(field="precision", message=NO_FP16)]


def footprint(params: Training, shape: Shape, dropout: float, precision: Precision, facts: Facts) -> Memory:
    """Peak memory of a training step, in one of its processes. The master copy of 16-bit weights counts among them."""
    parameters, wide = count(shape), 4 if precision == "fp32" else 2
    rows = params.batch_size // params.devices * shape.block_size
    best = parameters * 4 if params.patience else 0  # the weights of the best evaluation, kept aside
    weights = parameters * 4 + (0 if precision == "fp32" else parameters * 2) + best
    gradients = parameters * 4 + (0 if precision == "fp32" else parameters * 2)
    vectors, inner, attention = KEPT[shape.architecture, "fp32" if precision == "fp32" else "bf16"]
    held = vectors * shape.d_model + inner * shape.d_ff + attention * shape.n_head * shape.block_size
    at_once = 1 if params.gradient_checkpointing else shape.n_layer
    activations = round(rows * at_once * held * wide * (DROPOUT_EXTRA[shape.architecture] if dropout else 1))
    if params.gradient_checkpointing:
        activations += rows * shape.n_layer * shape.d_model * wide  # what goes into each layer
    chunk = min(rows, loss_rows(shape.vocab_size))
    logits = shape.vocab_size * (chunk * LOGIT_BYTES + shape.d_model * 4)
    parts = {
        "weights": weights,
        "gradients": gradients,
        "optimizer": parameters * 8,
        "activations": activations,
        "logits": logits,
        "other": (facts.libraries or LIBRARIES_BYTES) + PAD_BYTES,
    }
    return Memory(**parts, total=sum(parts.values()), available=facts.memory_available)


def on_devices(memory: Memory, params: Training, facts: Facts) -> Memory:
    """The memory of a run of which one process takes this much: of a GPU, as each has its own, or of the whole CPU."""
    if params.devices == 1 or facts.device != "cpu":
        return memory
    own = memory.model_dump(exclude={"available"})
    return memory.model_copy(update={part: size * params.devices for part, size in own.items()})


def too_many(params: Training, facts: Facts) -> list[Problem]:
    """What is to be said where a run wants more devices than a machine has, or more processes than it has threads."""
    if facts.devices is None or params.devices <= max(1, facts.devices):
        return []
    message = f"At most {facts.devices} here: that is how many GPUs one machine has."
    if facts.device == "cpu":
        message = f"At most {facts.devices} here: more processes than the CPU has threads would only take turns."
    return [Problem(field="devices", message=message)]


def loss_rows(vocab_size: int) -> int:
    """Positions in one chunk of the loss over a vocabulary of this size."""
    return max(LOSS_ROWS, LOSS_ELEMENTS // vocab_size)


def _too_large(memory: Memory) -> Problem:
    need, have = memory.total / 2**30, (memory.available or 0) / 2**30
    by_batch = memory.activations + memory.logits > memory.weights + memory.optimizer + memory.gradients
    field, advice = ("batch_size", "a smaller batch or block") if by_batch else ("preset", "a smaller model")
    return Problem(field=field, message=f"Needs {need:.1f} GiB of memory and there are {have:.1f} GiB: take {advice}.")
