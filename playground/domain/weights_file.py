"""The header of a safetensors file that somebody brought, checked before anything trusts it."""

import json
import math
from pathlib import Path
from typing import Any

from playground.domain.errors import BadInput

MAX_HEADER_BYTES = 4 * 2**20
MAX_TENSORS = 20_000
WIDTHS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}


def refusal(reason: str) -> BadInput:
    """The error for a model that is not accepted."""
    return BadInput(f"This model cannot be used: {reason}.", code="bad_file")


def header(path: Path) -> tuple[dict[str, dict[str, Any]], int]:
    """What a safetensors file says of its tensors ("dtype", "shape", "data_offsets"), and where their bytes begin.

    Raises BadInput where it does not account for every byte after the header.
    """
    total = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(MAX_HEADER_BYTES, total - 8):
            raise refusal("the header of its weights is missing or too long")
        described = parse(file.read(length))
    tensors = {name: about for name, about in described.items() if name != "__metadata__"}
    if not 0 < len(tensors) <= MAX_TENSORS:
        raise refusal(f"its weights are not between 1 and {MAX_TENSORS:,} tensors")
    spans: list[tuple[int, int]] = []
    for about in tensors.values():
        if not isinstance(about, dict) or about.get("dtype") not in WIDTHS:
            raise refusal("the header of its weights is malformed")
        shape, span = _sizes(about.get("shape")), _sizes(about.get("data_offsets"))
        if len(span) != 2:
            raise refusal("the header of its weights is malformed")
        if span[1] - span[0] != math.prod(shape) * WIDTHS[about["dtype"]]:
            raise refusal("a tensor's size does not fit its shape")
        spans.append((span[0], span[1]))
    spans.sort()
    ends = [0, *(end for _, end in spans)]
    if any(start != end for (start, _), end in zip(spans, ends, strict=False)) or ends[-1] != total - 8 - length:
        raise refusal("its weights overlap, have gaps or are cut off")
    return tensors, 8 + length


def parse(raw: bytes, name: str = "the header of its weights") -> dict[str, Any]:
    """A JSON object. Raises BadInput naming what is none."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        raise refusal(f"{name} is not JSON") from None
    if not isinstance(found, dict):
        raise refusal(f"{name} is not an object")
    return found


def _sizes(value: Any) -> list[int]:
    if isinstance(value, list) and len(value) <= 8 and all(type(size) is int and 0 <= size < 2**48 for size in value):
        return value
    raise refusal("the header of its weights is malformed")
