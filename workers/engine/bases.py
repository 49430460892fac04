"""Base models: any decoder of the library, opened to be trained on, and what the library says of a network.

Folders are opened from safetensors alone and never run code of their own. Our attention takes the place of the
library's, with the same result.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from tokenizers import Tokenizer
from torch import nn
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
from transformers.modeling_utils import PreTrainedModel
from transformers.pytorch_utils import Conv1D
from transformers.utils import logging

from playground.domain.errors import BadInput
from playground.domain.lora import Linear
from workers.engine import attention

logging.disable_progress_bar()
CONTEXT_KEYS = ("max_position_embeddings", "n_positions", "n_ctx")


def context_of(folder: Path) -> int | None:
    """Tokens that the model of a folder sees at once, or None for a folder without a model."""
    try:
        config = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError):
        return None
    found = [config[key] for key in CONTEXT_KEYS if isinstance(config.get(key), int)]
    return min(found) if found else None


def open_base(
    folder: Path, tokenizer: Tokenizer, end: int | None, device: torch.device, dtype: torch.dtype, quantization: str
) -> PreTrainedModel:
    """The network of a folder on a device; `end` is the token that ends a text, for networks that name none.

    Raises BadInput for a folder that holds no decoder, whose vocabulary does not fit its tokenizer, or that cannot be
    opened as asked.
    """
    options: dict[str, Any] = {"dtype": dtype}
    if quantization == "nf4":
        options = {"quantization_config": nf4(device), "device_map": {"": device}, "dtype": torch.bfloat16}
    factory: Any = AutoModelForCausalLM
    try:
        model: PreTrainedModel = factory.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False, use_safetensors=True, **options
        )
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise BadInput(f"The base model cannot be opened: {error}", {"model": [str(error)]}) from error
    tokens = max(tokenizer.get_vocab().values(), default=-1) + 1
    embedding: Any = model.get_input_embeddings()
    rows = int(embedding.weight.shape[0])
    if tokens > rows:
        message = f"The base model knows {rows:,} tokens and its tokenizer has {tokens:,}: they do not fit each other."
        raise BadInput(message, {"model": [message]})
    if quantization != "nf4":
        nn.Module.to(model, device)
    if model.config.eos_token_id is None:
        model.config.eos_token_id = end
    model.set_attn_implementation(attention.NAME)
    return model


def nf4(device: torch.device) -> BitsAndBytesConfig:
    """Four bits a weight, as in QLoRA (Dettmers et al., 2023). Raises BadInput where that cannot be computed."""
    if device.type != "cuda":
        raise BadInput("NF4 needs a CUDA device, and the runs here are computed on the CPU.")
    try:
        return BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        )
    except ImportError as error:
        raise BadInput("NF4 needs the package bitsandbytes, which is not installed here.") from error


def describe(model: Any) -> dict[str, Any]:
    """What the library says of a network, whatever its architecture."""
    config = model.config
    return {
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "vocab_size": config.vocab_size,
        "context": config.max_position_embeddings,
        "architecture": config.model_type,
        "layers": config.num_hidden_layers,
        "width": config.hidden_size,
        "heads": config.num_attention_heads,
        "linear": linear(model),
    }


def linear(model: Any) -> Linear:
    """The linear layers inside a network's blocks by name, each as rows of [inputs, outputs, how many]."""
    head = model.get_output_embeddings()
    counts: dict[str, dict[tuple[int, int], int]] = {}
    for path, module in model.named_modules():
        if module is head or not isinstance(module, nn.Linear | Conv1D):
            continue
        inner, outer = module.weight.shape if isinstance(module, Conv1D) else (module.in_features, module.out_features)
        shapes = counts.setdefault(path.rpartition(".")[2], {})
        shapes[inner, outer] = shapes.get((inner, outer), 0) + 1
    return {name: [[*shape, count] for shape, count in shapes.items()] for name, shapes in sorted(counts.items())}
