"""A model folder as one GGUF file, tensor by tensor, so that memory holds one of them at a time.

F16 keeps the weights almost as they are, Q8_0 takes 8.5 bits for each and Q4_0 4.5 (blocks of 32 with one scale).
Vectors stay in 32 bits, as llama.cpp wants them; rows that blocks of 32 do not fill stay in F16; with Q4_0 the
embedding and the output layer, which small models depend on most, are in Q8_0.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Stored
from gguf import LlamaFileType, quants
from safetensors import safe_open
from transformers import AutoConfig

from playground.domain.errors import BadInput
from workers.engine.llamacpp import vocabulary
from workers.engine.llamacpp.architecture import Architecture

PRECISIONS = {
    "f16": (Stored.F16, LlamaFileType.MOSTLY_F16),
    "q8_0": (Stored.Q8_0, LlamaFileType.MOSTLY_Q8_0),
    "q4_0": (Stored.Q4_0, LlamaFileType.MOSTLY_Q4_0),
}
BLOCK = 32
KEPT_FINE = ("token_embd.weight", "output.weight")
FULL = ("position_embd.weight",)
"""llama.cpp adds these to the embedding in 32 bits."""
MOST_F16 = 65504.0
"""The largest number that F16 has."""


def write(folder: Path, target: Path, precision: str, name: str) -> Iterator[float]:
    """Write a model folder's GGUF file, telling the share that is done, 0 to 1. Raises BadInput for what has none."""
    config: Any = AutoConfig.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    architecture = Architecture(config)
    words = vocabulary.read(folder, config)
    wanted, kind = PRECISIONS[precision]
    writer = gguf.GGUFWriter(target, architecture.name)
    writer.add_name(name)
    writer.add_file_type(kind)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    architecture.describe(writer)
    words.describe(writer)
    try:
        with safe_open(folder / "model.safetensors", framework="pt") as source:
            yield from _tensors(source, writer, architecture, wanted)
    finally:
        writer.close()


def _tensors(source: Any, writer: gguf.GGUFWriter, architecture: Architecture, wanted: Stored) -> Iterator[float]:
    """Announce all tensors, then write their values in the same order."""
    plan: list[tuple[str, Stored]] = []
    total = 0
    besides = architecture.besides()
    for name, tensor in besides.items():
        _announce(writer, name, tuple(tensor.shape), Stored.F32)
    for name in sorted(source.keys()):
        renamed = architecture.rename(name)
        if renamed is None:
            continue
        shape = architecture.arrange(name)(torch.empty(source.get_slice(name).get_shape(), device="meta")).shape
        form = stored(renamed, tuple(shape), wanted)
        _announce(writer, renamed, tuple(shape), form)
        plan.append((name, form))
        total += math.prod(shape)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for tensor in besides.values():
        writer.write_tensor_data(tensor.numpy())
    done = 0
    for name, form in plan:
        values = architecture.arrange(name)(source.get_tensor(name).float()).contiguous().numpy()
        if not np.isfinite(values).all():
            raise BadInput(f"This model cannot become a GGUF file: its tensor {name} has values that are not finite.")
        if form == Stored.F16:
            values = values.clip(-MOST_F16, MOST_F16)
        writer.write_tensor_data(values if form == Stored.F32 else quants.quantize(values, form))
        done += values.size
        yield done / total


def stored(name: str, shape: tuple[int, ...], wanted: Stored) -> Stored:
    """In which form a tensor (by llama.cpp's name) is written."""
    if len(shape) == 1 or name in FULL:
        return Stored.F32
    if wanted == Stored.F16 or shape[-1] % BLOCK:
        return Stored.F16
    return Stored.Q8_0 if name in KEPT_FINE else wanted


def _announce(writer: gguf.GGUFWriter, name: str, shape: tuple[int, ...], form: Stored) -> None:
    if form in (Stored.F32, Stored.F16):
        dtype = np.dtype(np.float32 if form == Stored.F32 else np.float16)
        writer.add_tensor_info(name, shape, dtype, math.prod(shape) * dtype.itemsize)
        return
    packed = quants.quant_shape_to_byte_shape(shape, form)
    writer.add_tensor_info(name, packed, np.dtype(np.uint8), math.prod(packed), raw_dtype=form)
