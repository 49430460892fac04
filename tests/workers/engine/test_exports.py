"""The export verb over a real pipe: progress to the end, a file where it was wanted, refusals in words."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gguf import GGUFReader
from transformers import AutoModelForCausalLM

from tests.workers.engine.attempts import Bench, artifacts
from tests.workers.engine.instructed import TUNING, tuned
from tests.workers.engine.test_inspect import Inspector
from workers.engine.adapters import open_adapter

Frame = dict[str, Any]


@pytest.fixture(scope="module")
def model(nest: str, tmp_path_factory: pytest.TempPathFactory) -> Frame:
    """A model that was trained here, as a request names it."""
    said = Bench(nest, tmp_path_factory.mktemp("model"), "the cat sees 小猫 🦊\n" * 200).run(steps=2, d_model=32)
    return {"sha256": "abc", "path": artifacts(said)["model"].path}


def ask(nest: str, model: Frame | None, **params: Any) -> list[Frame]:
    """All frames of a request for an export."""
    inspector = Inspector(nest)
    try:
        return inspector.ask("export", model, **params)
    finally:
        inspector.conn.close()


@pytest.mark.parametrize("form", ["gguf-f16", "gguf-q8_0", "gguf-q4_0"])
def test_a_model_that_was_trained_here_becomes_a_file(nest: str, model: Frame, form: str, tmp_path: Path) -> None:
    *data, last = ask(nest, model, format=form, folder=str(tmp_path), name="Foxes")
    assert last == {"type": "end"}
    shares = [frame["data"]["progress"] for frame in data]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert [frame["data"].get("made", False) for frame in data] == [False] * (len(data) - 1) + [True]
    reader = GGUFReader(tmp_path / "model.gguf")
    config = json.loads((Path(model["path"]) / "config.json").read_text())
    tokens = reader.get_field("tokenizer.ggml.tokens")
    assert tokens is not None
    assert len(tokens.contents()) == config["vocab_size"]
    assert len(reader.tensors) == 2 + 9 * config["num_hidden_layers"]


def test_bad_requests_are_refused(nest: str, model: Frame, tmp_path: Path) -> None:
    assert ask(nest, None, format="gguf-f16", folder=str(tmp_path), name="x")[-1]["status"] == 422
    assert ask(nest, model, format="gguf-q9", folder=str(tmp_path), name="x")[-1]["status"] == 422
    assert not list(tmp_path.iterdir())


def test_a_damaged_model_ends_in_words(nest: str, model: Frame, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model["path"], folder)
    (folder / "tokenizer.json").write_text('{"model": {"type": "WordPiece", "vocab": {}}}')
    frame = ask(nest, {"sha256": "x", "path": str(folder)}, format="gguf-f16", folder=str(tmp_path), name="x")[-1]
    assert (frame["code"], frame["status"]) == ("no_such_form", 422)
    assert "byte-level BPE" in frame["message"]


def test_an_adapter_is_merged_first(new_bench: Callable[..., Bench], nest: str, tmp_path: Path) -> None:
    bench = new_bench()
    base = tuned(bench, steps=4)
    adapter = artifacts(bench.start(kind="lora_sft", **{**TUNING, "steps": 4}).finish())["model"].path
    named = {"sha256": "x", "path": adapter, "base": str(base)}
    whole, file = tmp_path / "whole", tmp_path / "file"
    whole.mkdir()
    file.mkdir()
    assert ask(nest, named, format="merged", folder=str(whole), name="x")[-1] == {"type": "end"}
    network, expected = AutoModelForCausalLM.from_pretrained(whole), open_adapter(base, Path(adapter))
    ids = torch.arange(1, 33)[None]
    with torch.no_grad():
        torch.testing.assert_close(network(ids).logits, expected(ids).logits, atol=1e-4, rtol=0)
    *data, last = ask(nest, named, format="gguf-f16", folder=str(file), name="x")
    assert last == {"type": "end"}
    assert data[-1]["data"]["made"]
    assert [path.name for path in file.iterdir()] == ["model.gguf"]
    mine = next(tensor for tensor in GGUFReader(file / "model.gguf").tensors if tensor.name == "blk.0.attn_v.weight")
    merged = network.state_dict()["model.layers.0.self_attn.v_proj.weight"].numpy()
    np.testing.assert_allclose(mine.data.reshape(merged.shape), merged, atol=1e-3)


def test_a_whole_model_is_not_merged(nest: str, model: Frame, tmp_path: Path) -> None:
    assert "no adapter" in ask(nest, model, format="merged", folder=str(tmp_path), name="x")[-1]["message"]
