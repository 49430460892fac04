"""Instruction runs from their order to their last word: what they learn, what they leave, what opens it elsewhere."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from playground.domain.messages import Finished
from tests.workers.engine.attempts import Bench, Up, artifacts, exact, metrics, of_type
from tests.workers.engine.instructed import TUNING, rows, tuned
from tests.workers.engine.test_inspect import Inspector
from workers.engine.adapters import merge
from workers.engine.files import sha256


def run(bench: Bench, kind: str = "lora_sft", **params: Any) -> list[Up]:
    """One attempt at an instruction run to its end."""
    return bench.start(kind=kind, **{**TUNING, **params}).finish()


def logits(model: Any, ids: list[int]) -> torch.Tensor:
    """(tokens, vocabulary) of a text."""
    with torch.no_grad():
        found: torch.Tensor = model(torch.tensor([ids])).logits[0].float()
    return found


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_the_adapter_opens_with_peft_and_the_merged_model_with_transformers(
    bench: Bench, tmp_path: Path, architecture: str
) -> None:
    base = tuned(bench, architecture=architecture)
    before = sha256(base / "model.safetensors")
    said = run(bench)
    assert said[-1] == Finished(outcome="done"), said[-1]
    model = artifacts(said)["model"]
    folder = Path(model.path)
    names = {"adapter_config.json", "adapter_model.safetensors", "receipt.json"}
    assert {path.name for path in folder.iterdir()} == names | {"tokenizer.json", "tokenizer_config.json"}
    assert sha256(base / "model.safetensors") == before

    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer("who sees the cat?\n")["input_ids"]
    plain = AutoModelForCausalLM.from_pretrained(base)
    untouched = logits(plain, ids)
    adapted = logits(PeftModel.from_pretrained(plain, folder), ids)
    assert (adapted - untouched).abs().max() > 0.01
    merged = AutoModelForCausalLM.from_pretrained(merge(base, folder, tmp_path / "merged"))
    torch.testing.assert_close(logits(merged, ids), adapted, atol=2e-5, rtol=1e-5)
    assert AutoTokenizer.from_pretrained(tmp_path / "merged").chat_template == tokenizer.chat_template

    meta = model.meta
    assert meta["adapter"] is True
    assert meta["base"] == bench.inputs["model"].sha256
    saved = load_file(folder / "adapter_model.safetensors")
    assert meta["trained"] == sum(tensor.numel() for tensor in saved.values())
    assert meta["parameters"] == sum(weight.numel() for weight in plain.parameters())
    assert json.loads((folder / "receipt.json").read_text())["params"]["rank"] == meta["rank"] == 8


@pytest.mark.parametrize("kind", ["lora_sft", "sft"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_it_learns_to_answer(bench: Bench, kind: str, precision: str) -> None:
    tuned(bench, steps=60)
    said = run(bench, kind, steps=240, precision=precision)
    losses = metrics(said)["val_loss"]
    assert losses[max(losses)] < 0.6 * losses[1]


def test_with_all_weights_it_learns_to_stop(bench: Bench) -> None:
    # An adapter alone hardly does so here: the base has never seen the token that ends an answer.
    tuned(bench, steps=60)
    asked = {"sample_prompt": "who sees the dog?", "sample_interval": 240, "sample_tokens": 40}
    said = run(bench, "sft", steps=240, **asked)
    written = [message.data["text"] for message in of_type(said, "sample")][-1]
    assert written.endswith(" sees."), written


def test_all_weights_become_a_model_of_their_own(bench: Bench) -> None:
    base = tuned(bench)
    said = run(bench, "sft", steps=4)
    folder = Path(artifacts(said)["model"].path)
    plain = AutoModelForCausalLM.from_pretrained(folder)
    old = load_file(base / "model.safetensors")
    new = load_file(folder / "model.safetensors")
    assert old.keys() == new.keys()
    assert all((old[name] != new[name]).any() for name in old)
    meta = artifacts(said)["model"].meta
    assert meta["parameters"] == sum(weight.numel() for weight in plain.parameters())
    assert "adapter" not in meta
    assert set(meta["linear"]) == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


def test_the_chat_template_that_is_saved_is_the_one_that_was_learned(bench: Bench) -> None:
    tuned(bench, block_size=256)
    said = run(bench, steps=1, template="alpaca", block_size=None)
    tokenizer = AutoTokenizer.from_pretrained(artifacts(said)["model"].path)
    asked = [{"role": "user", "content": "Who {is} it?"}]
    written = str(tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True))
    assert written.startswith("Below is an instruction that describes a task. Write")
    assert written.endswith("### Instruction:\nWho {is} it?\n\n### Response:\n")


def test_what_is_left_out_is_said(bench: Bench) -> None:
    long = json.dumps({"instruction": "who? " * 60, "output": "the cat"})
    cut = json.dumps({"instruction": "who?", "output": "the cat sees " * 40})
    empty = json.dumps({"instruction": "who?", "output": " "})
    tuned(bench, "".join([rows(20), long, "\n\n", cut, "\n", empty, "\n"]))
    logs = [message.data["message"] for message in of_type(run(bench, steps=1), "log")]
    assert "1 of 23 examples have an empty completion and are left out, first row 24." in logs
    said = "2 of 23 examples are longer than the block of 48 tokens and are left out, first row 21; 1 of them by their"
    assert any(log.startswith(said) for log in logs), logs


@pytest.mark.parametrize(
    ("text", "params", "words"),
    [
        (rows(20) + '{"instruction": "who?"}\n', {}, "Row 21 of the corpus has none of the known pairs"),
        (rows(20) + "\nno json\n", {}, "Row 22 of the corpus is not a JSON object."),
        (
            rows(20),
            {"rows": "plain"},
            "Row 1 of the corpus lacks the key prompt. Its keys: instruction, input, output.",
        ),
        (rows(20) + '{"instruction": 3, "output": "x"}', {}, "Row 21 of the corpus: the value of instruction is not"),
        (rows(1), {}, "at least two are needed"),
        (rows(20), {"target_modules": ["q_proj", "query"]}, "no layer named query; it has: down_proj, gate_proj"),
        (rows(20), {"block_size": 65}, "The base model sees 64 tokens at once"),
        (rows(20), {"quantization": "nf4"}, "NF4 needs a CUDA device"),
    ],
)
def test_what_cannot_be_learned_is_refused(bench: Bench, text: str, params: dict[str, Any], words: str) -> None:
    tuned(bench, text, steps=1)
    last = run(bench, **params)[-1]
    assert getattr(last, "failure", None) == "bad_input", last
    assert words in getattr(last, "message", "")


def test_a_tokenizer_that_is_larger_than_its_model_is_refused(bench: Bench) -> None:
    base = tuned(bench, steps=1)
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.add_tokens([f"<extra{n}>" for n in range(5)])
    tokenizer.save_pretrained(base)
    last = run(bench)[-1]
    assert "they do not fit each other" in getattr(last, "message", "")


def test_the_checkpoint_holds_the_adapter_alone(bench: Bench) -> None:
    tuned(bench, architecture="gpt2")  # whose layers have biases, which are not learned either
    said = run(bench, steps=6, checkpoint_interval=2)
    state = load_file(bench.checkpoints()[-1] / "state.safetensors")
    assert state
    assert all("lora_" in name for name in state)
    assert exact(metrics(said)["loss"]).keys() == set(range(1, 7))


def test_an_adapter_can_be_talked_to_looked_into_and_left_out(bench: Bench, nest: str) -> None:
    base = tuned(bench, steps=60)
    said = run(bench, steps=60)
    adapter = {"sha256": "adapter", "path": artifacts(said)["model"].path, "base": str(base)}
    inspector = Inspector(nest)

    def written(model: dict[str, str], **params: Any) -> str:
        frames = inspector.ask("generate", model, prompt="who sees the dog?", max_tokens=30, temperature=0, **params)
        assert frames[-1] == {"type": "end"}, frames[-1]
        return "".join(frame["data"]["text"] for frame in frames[1:-1])

    answer = written(adapter, instruction=True)
    assert answer.endswith("sees.<|endoftext|>")
    assert written(adapter) != answer
    plain = {"sha256": "base", "path": str(base)}
    assert written(adapter, adapter=False) == written(plain)
    assert written(adapter, instruction=True) == answer
    # Asked by the template of what was tuned from it, a base is asked exactly as an adapter that is left out.
    asked = written(plain, instruction=True, template=TUNING["template"])
    assert asked == written(adapter, instruction=True, adapter=False)
    assert asked != written(plain)
    params = {"wing": "prediction", "slug": "next", "params": {"text": "who sees the dog?\n"}}
    ours, theirs = (inspector.ask("exhibit", model, **params)[0]["data"] for model in (adapter, plain))
    assert ours != theirs
    for refused, words in (
        ({"instruction": True}, "no template"),
        ({"instruction": True, "template": "{instruction}"}, "leaves the completion out"),
        ({"adapter": False}, "no adapter"),
    ):
        last = inspector.ask("generate", plain, prompt="x", **refused)[-1]
        assert words in last["message"]
    inspector.conn.close()
