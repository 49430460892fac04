"""The job kind `clm`: its form, its refusals, its estimate against real networks, its batches."""

import itertools
import math
from typing import Any, get_args

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from playground.domain.errors import BadInput
from playground.domain.kind import Batch, Data, Facts, SpeedPoint, Split
from playground.domain.knobs import Group
from playground.domain.presets import PRESETS, count
from playground.domain.training import TIMED_STEPS
from playground.jobs.clm import Params, kind
from workers.engine import models

CORPUS = "00000000-0000-4000-8000-000000000000"
FACTS = Facts(corpus_bytes=1_115_394, corpus_characters=1_115_394)
SPEED = [
    SpeedPoint(parameters=100_000, flops_per_s=1e11, precision="fp32"),
    SpeedPoint(parameters=10_000_000, flops_per_s=3e11, precision="fp32"),
]


def params(**given: Any) -> Params:
    """Parameters with a corpus."""
    return Params(**{"corpus": CORPUS, **given})


def complaints(**given: Any) -> dict[str, str]:
    """What is said at each field of a refused form."""
    with pytest.raises(ValidationError) as caught:
        params(**given)
    return {str(error["loc"][0]): error["msg"] for error in caught.value.errors()}


def batch(tokens: np.ndarray[Any, Any], given: Params, split: Split, step: int, micro: int) -> Batch:
    """A batch that must exist."""
    made = kind.batch(Data(tokens, 2**16), given, split, step, micro)
    assert made is not None
    return made


def test_all_has_a_default_but_the_corpus() -> None:
    filled = Params(corpus=CORPUS).model_dump()
    assert filled["steps"] == 300
    assert (filled["vocab_size"], filled["block_size"], filled["batch_size"], filled["learning_rate"]) == (
        2048,
        128,
        16,
        0.003,
    )
    assert kind.inputs(params()) == {"corpus": CORPUS}
    assert kind.inputs(params(tokenizer=CORPUS)) == {"corpus": CORPUS, "tokenizer": CORPUS}
    assert Params.model_validate_json(Params(corpus=CORPUS).model_dump_json()).model_dump() == filled


def test_every_field_says_what_a_form_needs() -> None:
    for name, field in Params.model_json_schema()["properties"].items():
        assert field["title"], name
        assert field["description"], name
        assert field["group"] in get_args(Group), name


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("corpus", "tinyshakespeare"), ("corpus", None), ("tokenizer", "../x"), ("vocab_size", 257),
        ("vocab_size", 65_537),
        ("block_size", 7), ("block_size", 8193), ("held_out", 0.0), ("held_out", 0.6), ("preset", "2m"), ("preset", 1),
        ("architecture", "rnn"), ("n_layer", 0), ("n_layer", 97), ("d_model", 4), ("n_head", 129), ("d_ff", 1),
        ("dropout", 1.0), ("dropout", -0.1), ("tie", "yes"), ("steps", 0), ("steps", 10_000_001), ("steps", 1.5),
        ("steps", "300"), ("steps", True), ("minutes", 0.0), ("minutes", 1e9), ("tokens", 0), ("batch_size", 0),
        ("batch_size", 1025), ("gradient_accumulation", 0), ("learning_rate", 0.0), ("learning_rate", -1.0),
        ("learning_rate", math.nan), ("learning_rate", math.inf), ("min_learning_rate_ratio", 1.1),
        ("warmup_steps", -1),
        ("beta1", 1.0), ("beta2", 1.0), ("weight_decay", -1.0), ("clip", -1.0), ("precision", "fp8"), ("seed", -1),
        ("seed", 2**32), ("eval_interval", 0), ("eval_batches", 0), ("sample_interval", 0), ("sample_tokens", 0),
        ("sample_prompt", "x" * 2001), ("checkpoint_interval", 0), ("owner", "me"),
    ],
)  # fmt: skip
def test_each_field_is_checked(field: str, value: object) -> None:
    assert field in complaints(**{field: value})


def test_all_that_is_wrong_is_named_at_once() -> None:
    said = complaints(corpus="x", steps="3", n_head=3, unknown=1, dropout=2, batch_size=True, seed=-1)
    assert set(said) == {"corpus", "steps", "n_head", "unknown", "dropout", "batch_size", "seed"}


def test_exactly_one_budget() -> None:
    one = "Give exactly one of steps, minutes and tokens."
    assert complaints(steps=3, minutes=3.0) == {"tokens": one}
    assert complaints(steps=None) == {"tokens": one}
    assert complaints(minutes=1.0, tokens=100) == {"tokens": one}
    assert params(minutes=3).steps is None
    assert params(tokens=5000).planned(2048) == 3
    assert params(minutes=3).planned(2048) is None


def test_dimensions_fit_each_other() -> None:
    assert complaints(preset=None).keys() == {"n_layer", "d_model", "n_head"}
    assert "evenly" in complaints(n_head=3)["n_head"]
    assert "odd" in complaints(preset=None, n_layer=1, d_model=12, n_head=4)["n_head"]
    assert "evenly" in complaints(n_kv_head=3)["n_kv_head"]
    assert "GPT-2" in complaints(architecture="gpt2", n_kv_head=2)["n_kv_head"]
    assert params(preset=None, n_layer=1, d_model=12, n_head=4, architecture="gpt2").shape().d_ff == 48
    assert params(preset="1m", n_layer=6).shape().n_layer == 6


SHAPES = [
    *[{"preset": name, "architecture": architecture} for name in PRESETS for architecture in ("llama", "gpt2")],
    {"tie": False}, {"tie": False, "architecture": "gpt2"}, {"n_kv_head": 2}, {"n_kv_head": 1, "d_ff": 100},
    {"preset": None, "n_layer": 3, "n_head": 5, "d_model": 50, "vocab_size": 300, "architecture": "gpt2"},
]  # fmt: skip


@pytest.mark.parametrize("given", SHAPES, ids=str)
def test_parameters_are_those_of_the_real_network(given: dict[str, Any]) -> None:
    shape = params(**given).shape()
    network = models.build(shape, 0.0, 0, 0, torch.device("meta"))
    real = sum(weight.numel() for weight in network.parameters())
    assert count(shape) == real
    assert kind.estimate(params(**given), FACTS).parameters == real


def test_presets_are_about_as_large_as_they_say() -> None:
    wanted = {"200k": 0.2e6, "1m": 1e6, "10m": 10e6, "50m": 50e6, "124m": 124e6}
    for name, row in kind.presets.items():
        assert row["parameters"] == pytest.approx(wanted[name], rel=0.2)
        assert row["parameters"] == kind.estimate(params(preset=name), FACTS).parameters


def test_what_a_run_will_cost() -> None:
    found = kind.estimate(params(gradient_accumulation=2), Facts(**FACTS.model_dump() | {"corpus_tokens": 409_600}))
    assert found.tokens_per_step == 16 * 2 * 128
    assert found.tokens == 300 * found.tokens_per_step
    assert found.passes == pytest.approx(3.0)
    assert found.flops == 6.0 * found.parameters * found.tokens
    assert found.seconds is None
    assert found.fits
    memory = found.memory
    parts = (memory.weights, memory.gradients, memory.optimizer, memory.activations, memory.logits, memory.other)
    assert memory.total == sum(parts)
    assert memory.optimizer == 8 * found.parameters
    assert kind.estimate(params(precision="bf16"), FACTS).memory.activations < memory.activations


def test_time_follows_the_measured_speed() -> None:
    facts = FACTS.model_copy(update={"speed": SPEED})
    found = kind.estimate(params(), facts)
    assert found.flops is not None
    assert found.seconds == pytest.approx(found.flops / 2e11, rel=0.1)
    doubled = kind.estimate(params(steps=600), facts)
    assert doubled.seconds == pytest.approx(2 * (found.seconds or 0), rel=0.02)
    assert kind.estimate(params(minutes=10, eval_interval=10_000), facts).seconds == pytest.approx(600, rel=0.01)
    assert kind.estimate(params(minutes=10), FACTS).steps is None
    assert (kind.estimate(params(minutes=0.05, preset="124m"), facts).steps or 0) >= TIMED_STEPS
    assert kind.estimate(params(preset="124m"), facts).seconds is not None


def test_auto_is_the_precision_that_was_measured_as_faster() -> None:
    fast = SpeedPoint(parameters=1_000_000, flops_per_s=5e11, precision="bf16")
    slow = fast.model_copy(update={"flops_per_s": 1e10})
    assert kind.estimate(params(), FACTS).precision == "fp32"
    assert kind.estimate(params(), FACTS.model_copy(update={"speed": [*SPEED, fast]})).precision == "bf16"
    assert kind.estimate(params(), FACTS.model_copy(update={"speed": [*SPEED, slow]})).precision == "fp32"
    assert kind.estimate(params(precision="bf16"), FACTS).precision == "bf16"


@pytest.mark.parametrize(
    ("given", "field"), [({"preset": "124m", "batch_size": 1}, "preset"), ({"batch_size": 1024}, "batch_size")]
)
def test_what_does_not_fit_is_refused_at_the_field_that_matters(given: dict[str, Any], field: str) -> None:
    found = kind.estimate(params(**given), FACTS.model_copy(update={"memory_available": 2**30}))
    assert not found.fits
    assert [problem.field for problem in found.problems] == [field]
    assert "1.0 GiB" in found.problems[0].message
    assert kind.estimate(params(**given), FACTS.model_copy(update={"memory_available": 2**40})).fits


def test_fp16_needs_a_gpu() -> None:
    refused = kind.estimate(params(precision="fp16"), FACTS)
    assert [problem.field for problem in refused.problems] == ["precision"]
    assert not refused.fits
    taken = kind.estimate(params(precision="fp16"), FACTS.model_copy(update={"device": "cuda:0"}))
    assert taken.fits
    assert taken.precision == "fp16"
    assert taken.memory == kind.estimate(params(precision="bf16"), FACTS).memory


@pytest.mark.parametrize("known", [{"corpus_bytes": 200}, {"corpus_bytes": 10_000, "corpus_tokens": 257}])
def test_a_corpus_that_is_certainly_too_short_is_refused(known: dict[str, int]) -> None:
    found = kind.estimate(params(), Facts(**{"corpus_characters": 1, **known}))
    assert [problem.field for problem in found.problems] == ["block_size"]


def test_batches_depend_on_seed_and_step_alone() -> None:
    tokens = np.arange(5000, dtype=np.uint16)
    first = batch(tokens, params(), "train", 7, 0)
    assert first.inputs.shape == (16, 128)
    assert np.array_equal(first.labels, first.inputs + 1)
    assert np.array_equal(first.inputs, batch(tokens, params(), "train", 7, 0).inputs)
    others = [(params(seed=2), 7, 0), (params(), 8, 0), (params(), 7, 1)]
    for given, step, micro in others:
        assert not np.array_equal(first.inputs, batch(tokens, given, "train", step, micro).inputs)


def test_held_out_text_is_never_learned_from_and_never_changes() -> None:
    tokens = np.arange(6000, dtype=np.uint16)
    given = params(eval_batches=3, batch_size=2, held_out=0.2)
    seen = np.concatenate([batch(tokens, given, "train", step, 0).labels for step in range(1, 200)])
    held = [kind.batch(Data(tokens, 2**16), given, "held_out", 1, index) for index in range(5)]
    parts = [part.inputs for part in held if part is not None]
    assert len(parts) == 3
    assert seen.max() < min(part.min() for part in parts)
    rows = np.concatenate(parts)
    assert len(np.unique(rows)) == rows.size
    again = batch(tokens, given, "held_out", 999, 2)
    assert np.array_equal(parts[2], again.inputs)


def test_a_text_of_two_blocks_is_enough_and_less_is_not() -> None:
    given = params(block_size=8)
    tokens = np.arange(18, dtype=np.uint16)
    assert batch(tokens, given, "train", 1, 0).labels.max() < batch(tokens, given, "held_out", 1, 0).inputs.min()
    assert kind.batch(Data(tokens, 2**16), given, "held_out", 1, 1) is None
    with pytest.raises(BadInput, match="too short"):
        kind.batch(Data(tokens[:17], 2**16), given, "train", 1, 0)


def test_a_text_that_is_one_line_again_and_again_is_said_so() -> None:
    line = np.arange(7, dtype=np.uint16)
    (note,) = kind.arrange(Data(np.tile(line, 100), 10), params()).notes
    assert note.startswith("The text repeats itself every 7 tokens: the held-out part is no test")
    later = np.concatenate([np.tile(line, 10_000), np.full(5, 9, dtype=np.uint16)])
    assert kind.arrange(Data(later, 10), params()).notes == ()


def test_the_rate_rises_then_falls() -> None:
    given = params(learning_rate=0.01, warmup_steps=10, min_learning_rate_ratio=0.1)
    rates = [given.rate(step, 100) for step in range(1, 101)]
    assert rates[9] == 0.01 == max(rates)
    assert rates[0] == pytest.approx(0.001)
    assert rates[-1] == pytest.approx(0.001)
    assert all(later < earlier for earlier, later in itertools.pairwise(rates[9:]))
    assert params(warmup_steps=0).rate(1, 1) > 0
    assert params(warmup_steps=50).rate(3, 3) == 0.003


def test_no_rate_before_a_plan_depends_on_the_plan() -> None:
    given = params(minutes=1.0, warmup_steps=0)
    for step in range(1, TIMED_STEPS + 1):
        assert given.rate(step, 11) == given.rate(step, 10_000_000)
