"""LoRA adapters: put beside a base's weights, saved in PEFT's format, opened again, merged into the base.

The layers are PEFT's own, put into the network itself, so that it is still the network that the engine knows; the
folder that is saved opens with plain PEFT on the same base, and the merged one with plain transformers.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import peft
import torch
from peft import LoraConfig, PeftModel, inject_adapter_in_model
from safetensors.torch import save_file
from torch import Tensor
from transformers import AutoModelForCausalLM

from playground.domain import lora
from workers.engine import bases

VERSION: str = peft.__version__
CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
BESIDE = ("tokenizer.json", "tokenizer_config.json", "receipt.json")
"""Files of an adapter's folder that a merged model has too."""
_INSIDE, _PEFT = ".default.", "base_model.model."


def attach(model: Any, params: Any, name: str) -> None:
    """Freeze a network and put fresh adapters beside its layers, a pure function of the seed; `name` is the base's.

    Raises BadInput for layers that it does not have.
    """
    chosen = lora.targets(bases.linear(model), params.target_modules)
    config = LoraConfig(
        r=params.rank,
        lora_alpha=params.alpha,
        lora_dropout=params.dropout,
        target_modules=chosen,
        fan_in_fan_out=model.config.model_type == "gpt2",
        bias="none",
        task_type="CAUSAL_LM",
        base_model_name_or_path=name,
    )
    torch.manual_seed(params.seed)
    inject_adapter_in_model(config, model)
    model.lora = config


def save(folder: Path, model: Any, weights: dict[str, Tensor]) -> None:
    """Write adapter_config.json and adapter_model.safetensors, with the names that PEFT gives them."""
    config = {**model.lora.to_dict(), "inference_mode": True, "target_modules": sorted(model.lora.target_modules)}
    written = json.dumps(config, indent=2, sort_keys=True, default=sorted) + "\n"
    (folder / CONFIG).write_text(written, encoding="utf-8")
    named = {_PEFT + name.replace(_INSIDE, "."): tensor.cpu().contiguous() for name, tensor in weights.items()}
    save_file(named, folder / WEIGHTS, {"format": "pt"})


def about(model: Any, base: str, params: Any) -> dict[str, Any]:
    """What the library says of an adapter besides what it says of a model; `base` is the content hash of its base."""
    return {
        "adapter": True,
        "base": base,
        "trained": sum(weight.numel() for weight in model.parameters() if weight.requires_grad),
        "rank": params.rank,
        "alpha": params.alpha,
        "targets": sorted(model.lora.target_modules),
        "linear": {},  # the layers bear PEFT's names now; those of the base are told with the base
    }


def is_adapter(folder: Path) -> bool:
    """Whether a folder holds an adapter in place of a model."""
    return (folder / CONFIG).is_file()


def open_adapter(base: Path, adapter: Path, **options: Any) -> Any:
    """A base with an adapter over it, as plain PEFT opens them; `options` are those of transformers."""
    factory: Any = AutoModelForCausalLM
    network = factory.from_pretrained(
        str(base), local_files_only=True, trust_remote_code=False, use_safetensors=True, dtype=torch.float32, **options
    )
    return PeftModel.from_pretrained(network, str(adapter), local_files_only=True).eval()


def merge(base: Path, adapter: Path, target: Path) -> Path:
    """Write a model with the adapter added into the base's weights (fp32), which plain transformers opens.

    A folder that is there already is replaced.
    """
    merged = open_adapter(base, adapter).merge_and_unload()
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    merged.save_pretrained(target)
    for name in BESIDE:
        if (adapter / name).is_file():
            shutil.copyfile(adapter / name, target / name)
    return target
