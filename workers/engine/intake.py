"""Opening what somebody brought: model folders and tokenizer files, checked before anything large is allocated.

Only safetensors are read, never pickles; the configuration is cut down to keys that describe a network of a known
architecture; the header of the weights must account for every byte and for every parameter of that network. What
remains is written back, so that whoever opens the folder later sees what was checked.
"""

import json
import math
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM

from playground.domain import tokenizer_file
from playground.domain.model_files import CHAT_TEMPLATE, FILES, NEEDLESS, WHOLE
from playground.domain.special import special_ids
from playground.domain.tokenization.fast import ALGORITHMS
from playground.domain.weights_file import header, parse, refusal
from workers.engine.bases import linear
from workers.engine.encoders import MASKED
from workers.engine.files import appearing

MAX_PARAMETERS = 2_000_000_000
MAX_JSON_BYTES = 2**20

ARCHITECTURES = {"bert", "gpt2", "llama", "mistral", "qwen2", "qwen3", "gpt_neox"}
BOUNDS = {
    "vocab_size": 1_000_000, "hidden_size": 16_384, "n_embd": 16_384, "intermediate_size": 131_072, "n_inner": 131_072,
    "num_hidden_layers": 256, "n_layer": 256, "num_attention_heads": 256, "n_head": 256, "num_key_value_heads": 256,
    "head_dim": 1_024, "max_position_embeddings": 2**20, "n_positions": 2**20, "n_ctx": 2**20, "sliding_window": 2**20,
    "max_window_layers": 256, "type_vocab_size": 16, "bos_token_id": 2**20, "eos_token_id": 2**20,
    "pad_token_id": 2**20,
}  # fmt: skip
"""Whole numbers that a configuration may hold, each with the largest value that a usable model has."""
PLAIN = {
    "model_type", "hidden_act", "activation_function", "hidden_dropout", "attention_dropout", "attn_pdrop",
    "hidden_dropout_prob", "attention_probs_dropout_prob", "embd_pdrop", "resid_pdrop", "layer_norm_epsilon",
    "layer_norm_eps", "rms_norm_eps", "initializer_range",
    "rope_theta", "rotary_pct", "rotary_emb_base", "tie_word_embeddings", "attention_bias", "mlp_bias",
    "use_sliding_window", "use_parallel_residual", "scale_attn_weights", "scale_attn_by_inverse_layer_idx",
    "reorder_and_upcast_attn", "use_cache",
}  # fmt: skip
"""Other keys that describe a network; their values must be plain."""
ROPE = {
    "rope_type", "type", "rope_theta", "factor", "low_freq_factor", "high_freq_factor", "attention_factor",
    "original_max_position_embeddings", "beta_fast", "beta_slow", "partial_rotary_factor",
}  # fmt: skip
TOKENIZER_KEYS = {"model_max_length", "clean_up_tokenization_spaces", "add_prefix_space", "chat_template"}
TOKEN_NAMES = {"bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token"}

PROBES = ("Hello, world!", "你好,世界。", "👩‍👩‍👧 naïve\r\n\tx = 1\u0000", "a" * 2_000, "")


def check_tokenizer(path: Path) -> dict[str, Any]:
    """Check a tokenizer.json and try it out. Returns its vocabulary size and algorithm; raises BadInput."""
    if path.stat().st_size > tokenizer_file.MAX_BYTES:
        raise tokenizer_file.refusal(f"it is larger than {tokenizer_file.MAX_BYTES // 2**20} MiB")
    raw = path.read_bytes()
    described = tokenizer_file.read(raw)
    try:
        tokenizer = Tokenizer.from_str(raw.decode("utf-8"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        for probe in PROBES:
            tokenizer.decode(tokenizer.encode(probe).ids)
        ids = tokenizer.get_vocab().values()
        for index in sorted(ids)[:: max(1, len(ids) // 512)]:
            tokenizer.decode([index])
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of the Rust library is no Exception
        raise tokenizer_file.refusal("the tokenizers library comes to grief on it") from error
    return {
        "vocab_size": max(ids) + 1,
        "algorithm": ALGORITHMS[described["model"].get("type", "BPE")],
        "special": sorted(special_ids(tokenizer)),
        "corpus": None,
    }


def check_model(folder: Path) -> dict[str, Any]:
    """Check a model folder and write its configuration files back without what is not needed.

    Returns what the library says of a model; raises BadInput naming the first thing that is wrong.
    """
    for name in NEEDLESS:
        (folder / name).unlink(missing_ok=True)
    strangers = sorted(path.name for path in folder.iterdir() if path.name not in FILES or not path.is_file())
    if strangers:
        raise refusal(f"these files are not part of a safetensors model: {', '.join(strangers)[:200]}")
    if not (folder / WHOLE).is_file():
        raise refusal("it has no model.safetensors")
    if not (folder / "tokenizer.json").is_file():
        raise refusal("it has no tokenizer.json")
    config = clean_config(_json(folder / "config.json"))
    tensors, _ = header(folder / WHOLE)
    about = _compare(config, {name: one["shape"] for name, one in tensors.items()})
    vocabulary = check_tokenizer(folder / "tokenizer.json")
    if vocabulary["vocab_size"] > about["vocab_size"]:
        raise refusal("its tokenizer has more tokens than the network")
    _write(folder / "config.json", config)
    _write(folder / "tokenizer_config.json", _tokenizer_config(folder))
    ids = {name: config[name] for name in ("bos_token_id", "eos_token_id") if config.get(name) is not None}
    _write(folder / "generation_config.json", {"do_sample": True, **ids})
    return about


def clean_config(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration reduced to what describes a network of a known architecture, all values within bounds."""
    if config.get("model_type") not in ARCHITECTURES:
        raise refusal("its architecture is not one of " + ", ".join(sorted(ARCHITECTURES)))
    kept: dict[str, Any] = {}
    for name, given in config.items():
        value = given[0] if name == "eos_token_id" and isinstance(given, list) and given else given
        if name in BOUNDS and value is not None:
            if type(value) is not int or not 0 <= value <= BOUNDS[name]:
                raise refusal(f"{name} must be a whole number of at most {BOUNDS[name]:,}")
            kept[name] = value
        elif name in PLAIN and _plain(value):
            kept[name] = value
        elif name in ("rope_scaling", "rope_parameters") and isinstance(value, dict):
            kept[name] = {key: inner for key, inner in value.items() if key in ROPE and _plain(inner)}
    return kept | {"dtype": "float32"}


def _tokenizer_config(folder: Path) -> dict[str, Any]:
    """What is kept of a tokenizer's configuration; newer folders have the template of a chat in a file of its own."""
    config, template = _json(folder / "tokenizer_config.json", {}), folder / CHAT_TEMPLATE
    if template.is_file():
        if template.stat().st_size <= MAX_JSON_BYTES:
            config["chat_template"] = template.read_text(encoding="utf-8", errors="replace")
        template.unlink()
    return clean_tokenizer_config(config)


def clean_tokenizer_config(config: dict[str, Any]) -> dict[str, Any]:
    """A tokenizer configuration without classes, paths and code: plain values, and the names of special tokens."""
    kept = {name: value for name, value in config.items() if name in TOKENIZER_KEYS and _plain(value)}
    for name in TOKEN_NAMES & config.keys():
        value = (
            config[name]["content"] if isinstance(config[name], dict) and "content" in config[name] else config[name]
        )
        if isinstance(value, str) and len(value) <= tokenizer_file.MAX_TOKEN_CHARACTERS:
            kept[name] = value
    return kept | {"tokenizer_class": "PreTrainedTokenizerFast"}


def _compare(config: dict[str, Any], shapes: dict[str, list[int]]) -> dict[str, Any]:
    """Build the network without memory and compare its parameters with the file's."""
    factory: Any = AutoModelForMaskedLM if config["model_type"] in MASKED else AutoModelForCausalLM
    try:
        settings = AutoConfig.for_model(**config)
        with torch.device("meta"):
            network = factory.from_config(settings)
    except (ValueError, TypeError, KeyError, RuntimeError, AttributeError, ZeroDivisionError) as error:
        raise refusal("its configuration describes no network that can be built") from error
    wanted = {name: list(parameter.shape) for name, parameter in network.named_parameters()}
    parameters = sum(math.prod(shape) for shape in wanted.values())
    if parameters > MAX_PARAMETERS:
        raise refusal(f"it has more than {MAX_PARAMETERS:,} parameters")
    prefix = f"{network.base_model_prefix}."
    for name, shape in wanted.items():
        if shapes.get(name, shapes.get(name.removeprefix(prefix))) != shape:
            raise refusal(f"its weights do not fit its configuration at {name}")
    return {
        "parameters": parameters,
        "vocab_size": settings.vocab_size,
        "context": settings.max_position_embeddings,
        "architecture": settings.model_type,
        "layers": settings.num_hidden_layers,
        "width": settings.hidden_size,
        "heads": settings.num_attention_heads,
        "linear": linear(network),
        "job": None,
        "kind": None,
        "val_loss": None,
    }


def _json(path: Path, default: dict[str, Any] | None = None) -> dict[str, Any]:
    if not path.exists() and default is not None:
        return default
    if not path.is_file() or path.stat().st_size > MAX_JSON_BYTES:
        raise refusal(f"{path.name} is missing or too large")
    return parse(path.read_bytes(), path.name)


def _plain(value: Any) -> bool:
    """Whether a value is a number, a truth value or a text that is no path."""
    if isinstance(value, str):
        return len(value) <= 65_536
    return value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value))


def _write(path: Path, content: dict[str, Any]) -> None:
    with appearing(path) as file:
        file.write(json.dumps(content, indent=2, sort_keys=True).encode())
