"""GGUF files read back: the network that they describe answers as the one that was written, and nothing is missing.

The way back (names, order of rows) is written down here anew from llama.cpp's side, so that a mistake in the way out
does not cancel itself.
"""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType, GGUFReader, quants
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    LlamaConfig,
    MistralConfig,
    Qwen2Config,
    Qwen3Config,
)

from playground.domain.errors import BadInput
from playground.domain.tokenization.patterns import CL100K
from tests.workers.engine.attempts import story
from workers.engine import tokenizer as bpe
from workers.engine.llamacpp import file, vocabulary

VOCABULARY, CONTEXT, WIDTH, HEADS = 400, 48, 64, 4
COMMON: dict[str, Any] = {
    "hidden_size": WIDTH,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": HEADS,
    "num_key_value_heads": 2,
    "max_position_embeddings": CONTEXT,
}
GPT2: dict[str, Any] = {"n_embd": WIDTH, "n_layer": 2, "n_head": HEADS, "n_positions": CONTEXT}
CONFIGS: dict[str, Any] = {
    "llama": LlamaConfig(**COMMON, tie_word_embeddings=True),
    "llama-untied-biased": LlamaConfig(**COMMON, attention_bias=True, rope_parameters={"rope_theta": 5e4}),
    "llama-linear": LlamaConfig(**COMMON, rope_parameters={"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}),
    "llama3": LlamaConfig(
        **COMMON,
        rope_parameters={
            "rope_type": "llama3",
            "rope_theta": 1e4,
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 16,
        },
    ),
    "mistral": MistralConfig(**COMMON, sliding_window=None),
    "gpt2": GPT2Config(**GPT2),
    "gpt2-untied": GPT2Config(**GPT2, tie_word_embeddings=False),
    "qwen2": Qwen2Config(**COMMON),
    "qwen3": Qwen3Config(**COMMON, head_dim=32),
}
LLAMA_NAMES = {
    "token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head",
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm",
    "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}  # fmt: skip
GPT2_NAMES = {
    "token_embd": "transformer.wte", "position_embd": "transformer.wpe", "output_norm": "transformer.ln_f",
    "output": "lm_head", "attn_qkv": "attn.c_attn", "attn_output": "attn.c_proj", "attn_norm": "ln_1",
    "ffn_norm": "ln_2", "ffn_up": "mlp.c_fc", "ffn_down": "mlp.c_proj",
}  # fmt: skip


def tokenizer() -> Tokenizer:
    """A byte-level tokenizer that has seen two scripts, shorter than the networks' vocabulary."""
    return bpe.train(iter([story()]), VOCABULARY - 20)


def folder_of(config: Any, path: Path, words: Tokenizer | None = None) -> tuple[Path, Any]:
    """A model folder with telling weights, and the network."""
    torch.manual_seed(3)
    config.vocab_size, config.bos_token_id, config.eos_token_id = VOCABULARY, 0, 0
    network = AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            # Norms and biases that are not one or nought, so that a lost one is seen.
            parameter.add_(torch.randn_like(parameter) * (0.08 if parameter.dim() > 1 else 0.2))
    network.save_pretrained(path)
    bpe.save(words or tokenizer(), path, CONTEXT)
    return path, network


def written(folder: Path, precision: str) -> GGUFReader:
    """The file, read back."""
    target = folder.parent / f"{precision}.gguf"
    shares = list(file.write(folder, target, precision, "A <name>"))
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    return GGUFReader(target)


def value(reader: GGUFReader, key: str) -> Any:
    """A field of the file's metadata."""
    found = reader.get_field(key)
    assert found is not None, f"{key} is missing"
    return found.contents()


def weights(reader: GGUFReader, network: Any) -> dict[str, torch.Tensor]:
    """The file's tensors by transformers' names, in its order."""
    family = value(reader, "general.architecture")
    names = GPT2_NAMES if family == "gpt2" else LLAMA_NAMES
    state = {}
    for tensor in reader.tensors:
        if tensor.name == "rope_freqs.weight":
            continue
        parts = re.fullmatch(r"(?:blk\.(\d+)\.)?(\w+)\.(weight|bias)", tensor.name)
        assert parts is not None
        block, stem, ending = parts.groups()
        values = torch.from_numpy(quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32).copy())
        if family == "gpt2" and block is not None and values.dim() == 2:
            values = values.t()
        if family == "llama" and stem in ("attn_q", "attn_k"):
            heads = value(reader, f"llama.attention.head_count{'_kv' * (stem == 'attn_k')}")
            pairs = values.reshape(heads, values.shape[0] // heads // 2, 2, *values.shape[1:])
            values = pairs.swapaxes(1, 2).reshape(values.shape)
        layer = ("transformer.h." if family == "gpt2" else "model.layers.") + f"{block}." if block else ""
        state[f"{layer}{names[stem]}.{ending}"] = values
    if "lm_head.weight" not in state:
        state["lm_head.weight"] = state[f"{names['token_embd']}.weight"]
    assert state.keys() == network.state_dict().keys()
    return state


def logits(network: Any, state: dict[str, torch.Tensor] | None = None) -> torch.Tensor:
    """(2, 40, vocabulary): what a network answers, with other weights if given."""
    ids = torch.randint(0, VOCABULARY, (2, 40), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        found: torch.Tensor = torch.func.functional_call(network, state or {}, (ids,)).logits
    return found


@pytest.mark.parametrize("name", CONFIGS)
def test_a_file_in_f16_answers_as_the_model_does(name: str, tmp_path: Path) -> None:
    folder, network = folder_of(CONFIGS[name], tmp_path / "model")
    state = weights(written(folder, "f16"), network)
    expected = logits(network)
    assert expected.std() > 0.5
    torch.testing.assert_close(logits(network, state), expected, atol=1e-2, rtol=0)


@pytest.mark.parametrize(("precision", "bound"), [("q8_0", 0.05), ("q4_0", 0.6)])
@pytest.mark.parametrize("name", ["llama", "gpt2", "qwen2"])
def test_quantised_files_come_close(name: str, precision: str, bound: float, tmp_path: Path) -> None:
    folder, network = folder_of(CONFIGS[name], tmp_path / "model")
    reader = written(folder, precision)
    expected = logits(network)
    off = (logits(network, weights(reader, network)) - expected).std() / expected.std()
    assert 0 < off < bound
    forms = {tensor.name: tensor.tensor_type for tensor in reader.tensors}
    assert forms["blk.0.ffn_up.weight"].name == precision.upper()
    assert forms["token_embd.weight"] == GGMLQuantizationType.Q8_0
    assert forms["output_norm.weight"] == GGMLQuantizationType.F32


def test_a_smaller_precision_is_a_smaller_file(tmp_path: Path) -> None:
    folder, _ = folder_of(CONFIGS["llama-untied-biased"], tmp_path / "model")
    sizes = []
    for precision in ("f16", "q8_0", "q4_0"):
        written(folder, precision)
        sizes.append((tmp_path / f"{precision}.gguf").stat().st_size)
    assert sizes == sorted(sizes, reverse=True)


def test_the_dimensions_are_complete(tmp_path: Path) -> None:
    folder, _ = folder_of(CONFIGS["qwen3"], tmp_path / "model")
    reader = written(folder, "q8_0")
    found = {
        key: value(reader, f"qwen3.{key}")
        for key in (
            "context_length", "embedding_length", "block_count", "feed_forward_length", "attention.head_count",
            "attention.head_count_kv", "attention.key_length", "vocab_size", "rope.dimension_count",
        )
    }  # fmt: skip
    assert list(found.values()) == [CONTEXT, WIDTH, 2, 96, HEADS, 2, 32, VOCABULARY, 32]
    assert value(reader, "general.name") == "A <name>"
    assert value(reader, "general.file_type") == 7
    assert value(reader, "qwen3.attention.layer_norm_rms_epsilon") == pytest.approx(1e-6)


def test_the_vocabulary_is_whole(tmp_path: Path) -> None:
    words = tokenizer()
    folder, _ = folder_of(CONFIGS["llama"], tmp_path / "model", words)
    reader = written(folder, "f16")
    tokens, types = value(reader, "tokenizer.ggml.tokens"), value(reader, "tokenizer.ggml.token_type")
    assert len(tokens) == len(types) == VOCABULARY
    assert {token: number for number, token in enumerate(tokens[: words.get_vocab_size()])} == words.get_vocab()
    assert types[0] == 3
    assert set(types[1 : words.get_vocab_size()]) == {1}
    assert set(types[words.get_vocab_size() :]) == {5}
    merges = json.loads(words.to_str())["model"]["merges"]
    assert value(reader, "tokenizer.ggml.merges") == [" ".join(merge) for merge in merges]
    assert value(reader, "tokenizer.ggml.model") == "gpt2"
    assert value(reader, "tokenizer.ggml.pre") == "gpt-2"
    assert value(reader, "tokenizer.ggml.bos_token_id") == value(reader, "tokenizer.ggml.eos_token_id") == 0
    assert value(reader, "tokenizer.ggml.add_bos_token") is False


def test_llama_3_turns_as_slowly_as_in_transformers(tmp_path: Path) -> None:
    folder, network = folder_of(CONFIGS["llama3"], tmp_path / "model")
    (slowness,) = (tensor for tensor in written(folder, "f16").tensors if tensor.name == "rope_freqs.weight")
    usual = 1e4 ** -(np.arange(0, 16, 2) / 16)
    np.testing.assert_allclose(usual / slowness.data, network.model.rotary_emb.inv_freq.numpy(), rtol=1e-5)
    assert slowness.data.max() == pytest.approx(8.0)


def bytewise(*before: Any, regex: bool) -> Any:
    """A byte-level pre-tokenizer behind others, as tokenizer.json has it."""
    words = Tokenizer(models.BPE())
    last = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=regex)
    words.pre_tokenizer = pre_tokenizers.Sequence([*before, last]) if before else last
    return json.loads(words.to_str())["pre_tokenizer"]


def test_expressions_are_known_by_name() -> None:
    qwen = CL100K.replace(r"\p{N}{1,3}", r"\p{N}")
    assert vocabulary.parted(bytewise(regex=True)) == "gpt-2"
    assert vocabulary.parted(bytewise(pre_tokenizers.Split(Regex(CL100K), "isolated"), regex=False)) == "llama-bpe"
    assert vocabulary.parted(bytewise(pre_tokenizers.Split(Regex(qwen), "isolated"), regex=False)) == "qwen2"
    assert vocabulary.parted(bytewise(pre_tokenizers.Digits(True), regex=True)) == "smollm"


@pytest.mark.parametrize(
    "described",
    [
        {},
        {"type": "Whitespace"},
        {"type": "ByteLevel", "add_prefix_space": True, "use_regex": True},
        {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False},
    ],
)
def test_other_ways_of_parting_a_text_are_refused(described: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="cannot become a GGUF file"):
        vocabulary.parted(described)


def other_tokenizer() -> Tokenizer:
    """A tokenizer that llama.cpp's byte-level BPE is not."""
    words = Tokenizer(models.WordLevel({"[UNK]": 0, "cat": 1}, unk_token="[UNK]"))
    words.pre_tokenizer, words.decoder = pre_tokenizers.Whitespace(), decoders.WordPiece()
    return words


def test_what_llama_cpp_does_not_know_is_refused_in_words(tmp_path: Path) -> None:
    cases = {
        "gpt_neox": ({**COMMON, "model_type": "gpt_neox"}, "architecture gpt_neox"),
        "relu": ({**GPT2, "model_type": "gpt2", "activation_function": "relu"}, "activation function relu"),
        "window": ({**COMMON, "model_type": "mistral", "hidden_act": "silu", "sliding_window": 8}, "window"),
        "yarn": (
            {**COMMON, "model_type": "llama", "rope_parameters": {"rope_type": "yarn", "factor": 2.0}},
            "rotary positions",
        ),
        "words": ({**COMMON, "model_type": "llama"}, "byte-level BPE"),
    }
    for name, (config, said) in cases.items():
        folder = tmp_path / name
        bpe.save(other_tokenizer(), folder, CONTEXT)
        (folder / "config.json").write_text(json.dumps({**config, "vocab_size": 2}))
        with pytest.raises(BadInput, match=said):
            list(file.write(folder, tmp_path / "x.gguf", "f16", "x"))


def test_weights_that_are_not_numbers_are_refused(tmp_path: Path) -> None:
    folder, network = folder_of(CONFIGS["llama"], tmp_path / "model")
    with torch.no_grad():
        network.model.norm.weight[3] = torch.nan
    network.save_pretrained(folder)
    with pytest.raises(BadInput, match="not finite"):
        written(folder, "f16")
