"""A trained model as a folder that opens anywhere: Hugging Face's files, and the receipt.

The weights are the fp32 ones that the optimizer keeps, whatever precision the network computed in. The receipt has
what is needed to repeat the run exactly: parameters, hashes of data and code, seed, versions, device and threads.
"""

import json
import platform
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers import __version__ as tokenizers_version
from torch import Tensor
from transformers.modeling_utils import PreTrainedModel

from playground.domain.estimate import Precision
from playground.domain.instructions.data import opening
from playground.domain.instructions.templates import chat_template
from playground.domain.knobs import Knobs
from playground.domain.messages import Start
from workers.engine import adapters
from workers.engine import tokenizer as bpe
from workers.engine.checkpoints import Progress
from workers.engine.corpus import Text
from workers.engine.files import sha256
from workers.engine.source import code


def environment(precision: Precision, threads: int, device: torch.device) -> dict[str, Any]:
    """What the numbers of a run depend on besides its parameters and data."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return {
        "code": code(),
        "precision": precision,
        "threads": threads,
        "device": f"{device.type} {name}",
        "capability": torch.backends.cpu.get_cpu_capability(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "tokenizers": tokenizers_version,
        "numpy": np.__version__,
    }


def receipt(
    start: Start, params: Knobs, tokenizer_sha256: str, where: dict[str, Any], progress: Progress
) -> dict[str, Any]:
    """Everything that is needed to repeat a run up to where it stands."""
    return {
        "job": start.job,
        "kind": start.kind,
        "params": params.model_dump(mode="json"),
        "inputs": {role: file.sha256 for role, file in start.inputs.items()},
        "tokenizer_sha256": tokenizer_sha256,
        "step": progress.step,
        "tokens": progress.tokens,
        "environment": where,
    }


def save_model(
    folder: Path,
    model: PreTrainedModel,
    weights: dict[str, Tensor],
    tokenizer: Tokenizer,
    about: dict[str, Any],
    given: dict[str, Any] | None = None,
) -> Path:
    """Write the model's folder, replacing an older one; `about` is the receipt without the weights' hash.

    `given` are entries for the tokenizer's configuration.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    config = model.config.to_diff_dict() | {"dtype": "float32", "architectures": [type(model).__name__]}
    config.pop("_attn_implementation", None)
    _write_json(folder / "config.json", config)
    _write_json(folder / "generation_config.json", _generation(model))
    save_file(
        {name: tensor.cpu().contiguous() for name, tensor in weights.items()},
        folder / "model.safetensors",
        {"format": "pt"},
    )
    bpe.save(tokenizer, folder, model.config.max_position_embeddings, given)
    _write_json(folder / "receipt.json", about | {"model_sha256": sha256(folder / "model.safetensors")})
    return folder


def save_adapter(
    folder: Path,
    model: PreTrainedModel,
    weights: dict[str, Tensor],
    tokenizer: Tokenizer,
    about: dict[str, Any],
    given: dict[str, Any] | None,
) -> Path:
    """Write an adapter's folder in PEFT's format, replacing an older one, with the tokenizer and the receipt."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    adapters.save(folder, model, weights)
    bpe.save(tokenizer, folder, model.config.max_position_embeddings, given)
    _write_json(folder / "receipt.json", about | {"model_sha256": sha256(folder / adapters.WEIGHTS)})
    return folder


def base_tokenizer(base: Path, text: Text, template: str) -> dict[str, Any]:
    """The tokenizer's configuration of a base model, with the template that its offspring is asked with."""
    kept = dict(bpe.config_of(base / "tokenizer.json") or {})
    for role in ("bos", "eos"):
        if role in text.data.special:
            kept.setdefault(f"{role}_token", text.tokenizer.id_to_token(text.data.special[role]))
    end = text.data.special.get("eos")
    ending = "" if end is None else text.tokenizer.id_to_token(end) or ""
    return kept | {"chat_template": chat_template(template, opening(text.tokenizer), ending)}


def _generation(model: PreTrainedModel) -> dict[str, Any]:
    ids = {f"{role}_token_id": getattr(model.config, f"{role}_token_id") for role in ("bos", "eos")}
    return {"do_sample": True, **{name: value for name, value in ids.items() if value is not None}}


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
