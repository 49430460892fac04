"""Instruction tuning with an adapter: a base model learns to answer, and none of its own weights change.

Beside some of the base's matrices stand two narrow ones whose product is added to them (LoRA); only those are trained,
a few hundredths of all parameters. What is saved is the adapter alone, in PEFT's format. With NF4 the frozen base is
held in four bits, on a CUDA device.
"""

from typing import Annotated, Literal

from pydantic import Field

from playground.domain.instructions.cost import estimate
from playground.domain.instructions.data import arrange, batch, encode
from playground.domain.instructions.params import Tuning
from playground.domain.instructions.records import Turn
from playground.domain.instructions.templates import parse
from playground.domain.kind import Estimate, Facts, JobKind, Problem
from playground.domain.knobs import knob

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,64}$")]


class Params(Tuning):
    """A base model, examples, and the size of the adapter."""

    rank: int = knob(8, "model", "Rank", "Width of the adapter's two matrices: more can learn more.", ge=1, le=256)
    alpha: float = knob(16.0, "model", "Alpha", "The adapter's output is multiplied by alpha / rank.", gt=0, le=4096)
    dropout: float = knob(
        0.0, "model", "Adapter dropout", "Share of the adapter's inputs that are zeroed while training.", ge=0, le=0.9
    )
    target_modules: Literal["auto", "all-linear"] | list[Name] = knob(
        "all-linear",
        "model",
        "Adapted layers",
        "All linear layers, automatic (queries and values of attention), or their names.",
    )
    quantization: Literal["none", "nf4"] = knob(
        "none", "model", "Frozen base", "NF4 holds the base in four bits (QLoRA); it needs a CUDA device."
    )


def inputs(params: Params) -> dict[str, str]:
    """Role and id of each library artifact that the run reads."""
    return {"model": params.model, "corpus": params.corpus}


def _estimate(params: Params, facts: Facts) -> Estimate:
    found = estimate(params, facts, params.rank, params.target_modules)
    if params.quantization == "nf4" and not facts.device.startswith("cuda"):
        message = "NF4 needs a CUDA device, and the runs here are computed on the CPU."
        problems = [*found.problems, Problem(field="quantization", message=message)]
        return found.model_copy(update={"problems": problems, "fits": False})
    return found


kind = JobKind(
    name="lora_sft",
    title="LoRA adapter",
    summary="Teach a model to answer instructions, by a small adapter beside its weights, which stay as they are.",
    Params=Params,
    objective="next_token",
    attention="causal",
    trains="adapter",
    inputs=inputs,
    estimate=_estimate,
    batch=batch,
    tokenizer=None,
    reads="lines",
    encode=encode,
    encoding=lambda params: {"template": params.template, "rows": params.rows},
    arrange=arrange,
    spoken=lambda params, prompt: parse(params.template).prompt((Turn("user", prompt),)),
)
