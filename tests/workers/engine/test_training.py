"""A run from its order to its last word, and the folder that it leaves."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer

from playground.domain.messages import Artifact, Finished, Plan
from tests.workers.engine.attempts import Bench, artifacts, metrics, of_type
from workers.engine.language_model import TransformersModel


def test_a_run_says_everything_once_and_in_order(bench: Bench) -> None:
    said = bench.run()
    assert said[-1] == Finished(outcome="done")
    series = metrics(said)
    every_step = list(range(1, 13))
    for name in ("loss", "learning_rate", "grad_norm", "tokens_per_s", "tokens", "seconds", "memory"):
        assert list(series[name]) == every_step
        assert all(math.isfinite(value) for value in series[name].values())
    for name in ("val_loss", "perplexity", "bits_per_byte"):
        assert list(series[name]) == [1, 5, 10, 12]
    assert [message.data["step"] for message in of_type(said, "sample")] == [6, 12]
    assert series["tokens"][12] == 12 * 4 * 16
    assert Plan(steps=12) in said
    kinds = [message.kind for message in said if isinstance(message, Artifact)]
    assert kinds == ["tokenizer", "model"]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_it_learns(bench: Bench, architecture: str, precision: str) -> None:
    said = bench.run(architecture=architecture, precision=precision, steps=60, eval_interval=20, d_model=32)
    series = metrics(said)
    size = artifacts(said)["tokenizer"].meta["vocab_size"]
    assert series["val_loss"][1] == pytest.approx(math.log(size), rel=0.05)
    assert series["val_loss"][60] < 0.6 * series["val_loss"][1]
    assert series["perplexity"][60] == pytest.approx(math.exp(series["val_loss"][60]))
    assert 0 < series["bits_per_byte"][60] < series["bits_per_byte"][1] < 8


def test_gradient_accumulation_is_a_larger_batch(new_bench: Callable[..., Bench]) -> None:
    whole = metrics(new_bench().run(batch_size=8, steps=1))
    parts = metrics(new_bench().run(batch_size=4, gradient_accumulation=2, steps=1))
    assert whole["tokens"] == parts["tokens"]
    assert whole["grad_norm"][1] == pytest.approx(parts["grad_norm"][1], rel=0.5)


@pytest.mark.parametrize(
    "options", [{}, {"architecture": "gpt2"}, {"tie": False, "n_kv_head": 1}, {"precision": "bf16"}]
)
def test_the_model_opens_anywhere_and_says_the_same(bench: Bench, options: dict[str, object]) -> None:
    said = bench.run(steps=4, **options)
    model = artifacts(said)["model"]
    folder = Path(model.path)
    names = {"config.json", "model.safetensors", "generation_config.json", "tokenizer.json", "tokenizer_config.json"}
    assert {path.name for path in folder.iterdir()} == names | {"receipt.json"}
    plain = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    text = "the cat sees 小猫 🦊.\n"
    ids = tokenizer(text)["input_ids"]
    assert tokenizer.decode(ids) == text
    ours = TransformersModel(folder)
    assert [token.id for token in ours.tokens(text)] == ids
    with torch.no_grad():
        logits = plain(torch.tensor([ids])).logits[0].float()
    torch.testing.assert_close(torch.log_softmax(logits, -1), torch.from_numpy(ours.next_log_probabilities(ids)))
    assert model.meta["parameters"] == sum(weight.numel() for weight in plain.parameters())
    assert model.meta["vocab_size"] == plain.config.vocab_size == len(tokenizer)
    assert model.meta["val_loss"] == metrics(said)["val_loss"][4]


def test_the_receipt_repeats_the_run(new_bench: Callable[..., Bench]) -> None:
    said = new_bench().run()
    folder = Path(artifacts(said)["model"].path)
    receipt = json.loads((folder / "receipt.json").read_text())
    assert receipt["step"] == 12
    assert set(receipt) >= {
        "params",
        "inputs",
        "tokenizer_sha256",
        "model_sha256",
        "environment",
        "kind",
        "job",
        "tokens",
    }
    again = new_bench()
    repeated = again.run(**{name: value for name, value in receipt["params"].items() if name != "threads"})
    assert metrics(repeated)["loss"] == metrics(said)["loss"]
    other = json.loads((Path(artifacts(repeated)["model"].path) / "receipt.json").read_text())
    assert other["model_sha256"] == receipt["model_sha256"]
    assert metrics(new_bench().run(seed=2))["loss"] != metrics(said)["loss"]


def test_a_tokenizer_from_the_library_is_used_and_not_made_again(bench: Bench) -> None:
    said = bench.run(steps=1)
    tokenizer = Path(artifacts(said)["tokenizer"].path)
    before = Tokenizer.from_file(str(tokenizer / "tokenizer.json")).to_str()
    bench.inputs["tokenizer"] = bench.file(tokenizer / "tokenizer.json")
    again = bench.run(steps=2, tokenizer="00000000-0000-4000-8000-000000000001", vocab_size=999)
    assert set(artifacts(again)) == {"model"}
    saved = Path(artifacts(again)["model"].path) / "tokenizer.json"
    assert Tokenizer.from_file(str(saved)).to_str() == before


def test_a_vocabulary_that_the_text_cannot_fill_is_smaller_and_said_so(bench: Bench) -> None:
    said = bench.run(steps=1, vocab_size=5000)
    size = artifacts(said)["tokenizer"].meta["vocab_size"]
    assert 257 < size < 5000
    assert artifacts(said)["model"].meta["vocab_size"] == size
    assert any("vocabulary" in message.data["message"] for message in of_type(said, "log"))


def test_a_budget_of_tokens_is_rounded_up_to_steps(bench: Bench) -> None:
    said = bench.run(steps=None, tokens=4 * 16 * 3 + 1)
    assert list(metrics(said)["loss"]) == [1, 2, 3, 4]


def test_a_budget_of_minutes_becomes_steps_after_ten(bench: Bench) -> None:
    said = bench.run(steps=None, minutes=0.05, eval_interval=1000, sample_interval=1000)
    plans = [message.steps for message in said if isinstance(message, Plan)]
    assert len(plans) == 1
    assert plans[0] >= 10
    assert list(metrics(said)["loss"]) == list(range(1, plans[0] + 1))
    position = next(index for index, message in enumerate(said) if isinstance(message, Plan))
    assert list(metrics(said[:position])["loss"]) == list(range(1, 11))
