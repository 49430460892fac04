"""Weights in several files, as large models come, joined into one: bytes are copied, no tensor is read.

`model.safetensors.index.json` says which tensor is in which file. It is believed only where the files say the same.
"""

import json
import re
import shutil
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from playground.domain.model_files import INDEX, WHOLE
from playground.domain.weights_file import MAX_HEADER_BYTES, header, parse
from playground.library.archives import bad

MAX_SHARDS = 64
COPY_BYTES = 2**22
NAME = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")


def join(folder: Path) -> None:
    """Write the one file in place of its parts, where a folder has an index. Raises BadInput where they misfit.

    Tensors keep the order of the parts and, within one, that of their names, so that the same parts give the same file.
    """
    if not (folder / INDEX).is_file():
        return
    whole: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    bodies: list[tuple[Path, int]] = []
    end = 0
    for name, tensors in sorted(_expected(folder / INDEX).items()):
        path = folder / name
        if not path.is_file():
            raise bad(_("A part of the weights is missing: {name}.").format(name=name))
        described, begin = header(path)
        if described.keys() != tensors:
            raise bad(_("{name} has other tensors than the index of the weights says.").format(name=name))
        for tensor in sorted(tensors):
            about = described[tensor]
            whole[tensor] = about | {"data_offsets": [end + offset for offset in about["data_offsets"]]}
        bodies.append((path, begin))
        end += path.stat().st_size - begin
    head = json.dumps(whole).encode()
    with (folder / WHOLE).open("wb") as out:
        head += b" " * (-len(head) % 8)
        out.write(len(head).to_bytes(8, "little") + head)
        for path, start in bodies:
            with path.open("rb") as file:
                file.seek(start)
                shutil.copyfileobj(file, out, COPY_BYTES)
            path.unlink()
    (folder / INDEX).unlink()


def _expected(index: Path) -> dict[str, set[str]]:
    """The tensors that an index says to be in each file. Raises BadInput for one that is malformed."""
    if index.stat().st_size > MAX_HEADER_BYTES:
        raise bad(_("The index of the weights is too large."))
    placed = parse(index.read_bytes(), INDEX).get("weight_map")
    expected: dict[str, set[str]] = {}
    for tensor, file in placed.items() if isinstance(placed, dict) else ():
        if not isinstance(file, str) or not NAME.fullmatch(file):
            raise bad(_("The index of the weights names a file that is no part of them."))
        expected.setdefault(file, set()).add(tensor)
    if not 0 < len(expected) <= MAX_SHARDS:
        raise bad(_("The weights must lie in 1 to {limit} files.").format(limit=MAX_SHARDS))
    return expected
