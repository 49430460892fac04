"""What users bring, hostile or broken: refused with a word, before anything large is allocated."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from playground.domain import tokenizer_file, weights_file
from playground.domain.errors import BadInput
from playground.domain.model_files import CHAT_TEMPLATE, NEEDLESS
from playground.jobs.clm import Params
from tests.workers.engine.attempts import TINY, story
from tests.workers.engine.hostile import PANICS, TRY, crafted
from workers.engine import bases, intake, models, publish
from workers.engine import tokenizer as bpe


@pytest.fixture
def tokenizer_json(tmp_path: Path) -> Callable[[str], Path]:
    """Write a tokenizer.json."""

    def make(content: str) -> Path:
        path = tmp_path / "tokenizer.json"
        path.write_text(content)
        return path

    return make


@pytest.fixture(params=["llama", "gpt2"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A good model folder."""
    tokenizer = bpe.train(iter([story()]), 320)
    params = Params(**{**TINY, "architecture": request.param})
    network = models.build(params.shape(tokenizer.get_vocab_size()), 0.0, 0, 1, torch.device("cpu"))
    fresh = {name: weight.detach() for name, weight in network.named_parameters()}
    return publish.save_model(tmp_path / "model", network, fresh, tokenizer, {})


@pytest.mark.parametrize("name", PANICS)
def test_files_that_make_the_library_panic_are_refused(name: str, tokenizer_json: Callable[[str], Path]) -> None:
    hostile = crafted(**PANICS[name])
    seen = subprocess.run([sys.executable, "-c", TRY], input=hostile, capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "PanicException"
    with pytest.raises(BadInput) as caught:
        intake.check_tokenizer(tokenizer_json(hostile))
    assert caught.value.code == "bad_file"


def test_a_harmless_file_passes(tokenizer_json: Callable[[str], Path]) -> None:
    assert intake.check_tokenizer(tokenizer_json(crafted()))["vocab_size"] == 4
    ours = bpe.train(iter([story()]), 320)
    about = intake.check_tokenizer(tokenizer_json(ours.to_str()))
    assert about == {"vocab_size": ours.get_vocab_size(), "algorithm": "bpe", "special": ["bos", "eos"], "corpus": None}


def split(pattern: str) -> dict[str, Any]:
    """A pre-tokenizer that splits by a regular expression."""
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


BAD_TOKENIZERS: list[tuple[dict[str, Any], str]] = [
    ({"pre_tokenizer": split("(a+)+$")}, "regular expression"),
    ({"pre_tokenizer": {"type": "Sequence", "pretokenizers": [split("(a+)+$")]}}, "regular expression"),
    ({"normalizer": {"type": "Replace", "pattern": {"Regex": "(a|a)*b"}, "content": ""}}, "regular expression"),
    ({"pre_tokenizer": {"type": "Exec", "command": "id"}}, "unknown part"),
    ({"decoder": "ByteLevel"}, "unknown part"),
    ({"model": {"type": "Neural", "vocab": {"a": 0}}}, "unknown type"),
    ({"model": {"type": "BPE", "vocab": {}, "merges": []}}, "empty"),
    ({"model": {"type": "BPE", "vocab": {"a": 0, "b": 0}, "merges": []}}, "share a number"),
    ({"model": {"type": "BPE", "vocab": {"a": 2**40}, "merges": []}}, "out of range"),
    ({"model": {"type": "BPE", "vocab": {"a": -1}, "merges": []}}, "out of range"),
    ({"model": {"type": "BPE", "vocab": {"a": True}, "merges": []}}, "out of range"),
    ({"model": {"type": "BPE", "vocab": {"a" * 2000: 0}, "merges": []}}, "characters"),
    ({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [["a", "z"]]}}, "merges"),
    ({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [["a"]]}}, "merges"),
    ({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [7]}}, "merges"),
    ({"model": {"type": "Unigram", "vocab": [["a", 0.0], ["b"]]}}, "malformed"),
    ({"model": []}, "no model"),
    ({"added_tokens": [{"content": ""}]}, "added tokens"),
    ({"added_tokens": ["x"]}, "added tokens"),
]
NESTED: dict[str, Any] = {"type": "NFC"}
for _ in range(50):
    NESTED = {"type": "Sequence", "normalizers": [NESTED]}
BAD_TOKENIZERS.append(({"normalizer": NESTED}, "nested"))


@pytest.mark.parametrize(("parts", "words"), BAD_TOKENIZERS)
def test_tokenizers_of_no_known_shape(parts: dict[str, Any], words: str, tokenizer_json: Callable[[str], Path]) -> None:
    with pytest.raises(BadInput, match=words):
        intake.check_tokenizer(tokenizer_json(crafted(**parts)))


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"model": 3}', b"PK\x03\x04"])
def test_what_is_no_json_object(raw: bytes) -> None:
    with pytest.raises(BadInput):
        tokenizer_file.read(raw)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    with path.open("wb") as file:
        file.truncate(tokenizer_file.MAX_BYTES + 1)
    with pytest.raises(BadInput, match="larger"):
        intake.check_tokenizer(path)


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
SLOTS = st.sampled_from([*tokenizer_file.COMPONENTS, "model", "truncation", "added_tokens"])


@settings(max_examples=200, deadline=None)
@given(slot=SLOTS, part=JSON)
def test_any_json_in_any_place_is_read_or_refused(slot: str, part: Any) -> None:
    with contextlib.suppress(BadInput):
        assert tokenizer_file.read(crafted(**{slot: part}).encode())["model"]


def test_a_good_model_is_described_and_still_opens(folder: Path) -> None:
    about = intake.check_model(folder)
    network = AutoModelForCausalLM.from_pretrained(folder)
    assert about["parameters"] == sum(weight.numel() for weight in network.parameters())
    assert (about["context"], about["layers"], about["width"], about["heads"]) == (16, 1, 16, 2)
    assert AutoTokenizer.from_pretrained(folder)("the cat")["input_ids"]
    assert about["linear"] == bases.describe(network)["linear"] != {}


def edit(folder: Path, name: str, **changes: Any) -> None:
    """Change keys of a JSON file."""
    path = folder / name
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_code_and_paths_are_taken_out(folder: Path) -> None:
    canary = "/etc/passwd"
    edit(
        folder,
        "config.json",
        auto_map={"AutoConfig": "evil.Evil", "AutoModelForCausalLM": "evil.Evil"},
        _attn_implementation_internal="evil/kernel",
        attn_implementation="evil/kernel",
        trust_remote_code=True,
        quantization_config={"quant_method": "evil"},
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0, "path": canary},
    )
    edit(
        folder,
        "tokenizer_config.json",
        vocab_file=canary,
        tokenizer_class="Evil",
        auto_map={"AutoTokenizer": ["e", "e"]},
    )
    edit(folder, "generation_config.json", custom_generate=canary)
    intake.check_model(folder)
    for path in folder.glob("*.json"):
        content = path.read_text()
        assert "evil" not in content.lower(), path.name
        assert canary not in content, path.name
    AutoModelForCausalLM.from_pretrained(folder)


CONFIG_BOMBS: list[dict[str, Any]] = [
    {"num_hidden_layers": 10**6, "n_layer": 10**6},
    {"hidden_size": 10**9, "n_embd": 10**9},
    {"vocab_size": 10**12},
    {"vocab_size": -1},
    {"num_attention_heads": "8", "n_head": "8"},
    {"num_attention_heads": 0, "n_head": 0},
    {"model_type": "evil"},
    {"model_type": None},
    {"num_hidden_layers": 200, "n_layer": 200},
]


@pytest.mark.parametrize("changes", CONFIG_BOMBS)
def test_configurations_that_cannot_be(folder: Path, changes: dict[str, Any]) -> None:
    edit(folder, "config.json", **changes)
    with pytest.raises(BadInput):
        intake.check_model(folder)


def header(folder: Path, content: bytes, length: int | None = None) -> None:
    """Replace the header of the weights."""
    path = folder / "model.safetensors"
    raw = path.read_bytes()
    data = raw[8 + int.from_bytes(raw[:8], "little") :]
    path.write_bytes((len(content) if length is None else length).to_bytes(8, "little") + content + data)


F32 = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
HEADERS = [
    b"", b"{", b"[]", b"{}", b'{"a": 1}', json.dumps({"a": F32}).encode(),
    json.dumps({"a": {**F32, "shape": [2**40, 2**40]}}).encode(), json.dumps({"a": {**F32, "shape": [-1]}}).encode(),
    json.dumps({"a": {**F32, "dtype": "PICKLE"}}).encode(), json.dumps({"a": {**F32, "data_offsets": [4, 0]}}).encode(),
    json.dumps({str(index): F32 for index in range(weights_file.MAX_TENSORS + 1)}).encode(), b'{"a":' * 50_000,
]  # fmt: skip


@pytest.mark.parametrize("content", HEADERS, ids=lambda content: str(content[:30]))
def test_weights_with_a_crafted_header(folder: Path, content: bytes) -> None:
    header(folder, content)
    with pytest.raises(BadInput):
        intake.check_model(folder)


@pytest.mark.parametrize("length", [0, 2**63, weights_file.MAX_HEADER_BYTES + 1])
def test_headers_that_claim_a_length(folder: Path, length: int) -> None:
    header(folder, b"{}", length)
    with pytest.raises(BadInput, match="header"):
        intake.check_model(folder)


def test_weights_that_are_cut_off(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(BadInput, match="cut off"):
        intake.check_model(folder)


def test_weights_of_another_network(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    name = next(name for name in tensors if tensors[name].ndim == 2)
    save_file({**tensors, name: tensors[name][:, :-1].contiguous()}, folder / "model.safetensors")
    with pytest.raises(BadInput, match="do not fit"):
        intake.check_model(folder)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "modeling_evil.py", "training_args.pt", "optimizer.pkl"])
def test_files_that_have_no_place_in_a_model(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"x")
    with pytest.raises(BadInput, match=name):
        intake.check_model(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_files_that_a_model_needs(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(BadInput, match=name):
        intake.check_model(folder)


def test_a_tokenizer_larger_than_the_network(folder: Path) -> None:
    bpe.train(iter([story() + "quite other words, zebras and xylophones "]), 400).save(str(folder / "tokenizer.json"))
    with pytest.raises(BadInput, match="more tokens than the network"):
        intake.check_model(folder)


def test_what_often_lies_beside_a_model_does_no_harm(folder: Path) -> None:
    """What the folders of a hub hold; the template of a chat is kept, wherever it stands."""
    for name in NEEDLESS:
        (folder / name).write_text("x")
    (folder / CHAT_TEMPLATE).write_text("{{ messages[0].content }}")
    intake.check_model(folder)
    assert not {path.name for path in folder.iterdir()} & {*NEEDLESS, CHAT_TEMPLATE}
    assert json.loads((folder / "tokenizer_config.json").read_text())["chat_template"] == "{{ messages[0].content }}"
