"""A model comes in or goes out: the zip of a Hugging Face folder."""

import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from playground.library import artifacts, names, shards, store
from playground.library.archives import unpack
from playground.library.models import Artifact, Kind
from playground.library.tokenizers import Check, staging
from playground.people.models import User

CHUNK = 1 << 20
ADAPTER = "adapter_config.json"
"""The file that tells an adapter from a model; an uploaded folder never has it."""


def add(owner: User, file: Path, name: str, check: Check) -> Artifact:
    """Take a model's zip over. Raises BadInput, TooLarge; leaves nothing then."""
    clean_name = names.clean(name)
    folder = staging()
    try:
        unpack(file, folder, settings.MAX_MODEL_BYTES)
        shards.join(folder)
        meta = check(folder)
        return artifacts.adopt(Kind.MODEL, folder, owner=owner, name=clean_name, meta=meta, origin={"source": "upload"})
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def located(sha256: str) -> dict[str, str]:
    """Where a model lies on this machine: {"sha256", "path"}, and for an adapter the path of its "base".

    Raises FileNotFoundError where the bytes of one of them are gone.
    """
    folder = store.local(Kind.MODEL, sha256)
    found = {"sha256": sha256, "path": str(folder)}
    if (folder / ADAPTER).exists():
        receipt = json.loads((folder / "receipt.json").read_bytes())
        found["base"] = str(store.local(Kind.MODEL, receipt["inputs"]["model"]))
    return found


class _Spool:
    """A file that is written by zipfile and emptied by whoever sends it."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._written = 0

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        self._written += len(data)
        return len(data)

    def tell(self) -> int:
        return self._written

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing to close."""

    def take(self) -> bytes:
        """What was written since the last call."""
        data = b"".join(self._parts)
        self._parts.clear()
        return data


def zipped(folder: Path) -> Iterator[bytes]:
    """The folder as a zip, in pieces as they are made: neither in memory nor on disk as a whole.

    Stored, not compressed: weights hardly shrink, and forty students download at once.
    """
    spool = _Spool()
    with zipfile.ZipFile(spool, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            # A fixed date: the same model gives the same bytes.
            info = zipfile.ZipInfo(path.relative_to(folder).as_posix(), date_time=(2000, 1, 1, 0, 0, 0))
            info.external_attr = 0o644 << 16
            with path.open("rb") as source, archive.open(info, "w", force_zip64=True) as out:
                while chunk := source.read(CHUNK):
                    out.write(chunk)
                    yield spool.take()
    yield spool.take()
