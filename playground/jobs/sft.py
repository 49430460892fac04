"""Instruction tuning of all weights: a base model learns to answer, and becomes another model.

The same data, templates and packing as with an adapter; but every weight changes, which learns more and faster, costs
the memory of the optimizer for all of them, and forgets more of what the base knew.
"""

from playground.domain.instructions.cost import estimate
from playground.domain.instructions.data import arrange, batch, encode
from playground.domain.instructions.params import Tuning
from playground.domain.instructions.records import Turn
from playground.domain.instructions.templates import parse
from playground.domain.kind import JobKind
from playground.domain.knobs import knob


class Params(Tuning):
    """A base model and examples; the rate is lower, as it moves weights that have learned already."""

    learning_rate: float = knob(
        3e-4, "optimizer", "Learning rate", "Size of the largest update, reached after the warm-up.", gt=0, le=1e10
    )


def inputs(params: Params) -> dict[str, str]:
    """Role and id of each library artifact that the run reads."""
    return {"model": params.model, "corpus": params.corpus}


kind = JobKind(
    name="sft",
    title="Fine-tuned model",
    summary="Teach a model to answer instructions by training all of its weights: it becomes another model.",
    Params=Params,
    objective="next_token",
    attention="causal",
    trains="all",
    inputs=inputs,
    estimate=lambda params, facts: estimate(params, facts, rank=None),
    batch=batch,
    tokenizer=None,
    reads="lines",
    encode=encode,
    encoding=lambda params: {"template": params.template, "rows": params.rows},
    arrange=arrange,
    spoken=lambda params, prompt: parse(params.template).prompt((Turn("user", prompt),)),
)
