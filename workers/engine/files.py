"""Files and folders that appear complete or not at all, also when the power fails."""

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def appearing(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes its name only once it is whole and on disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def appearing_folder(path: Path) -> Iterator[Path]:
    """A folder to fill that takes its name only once all its files are on disk; on an error nothing is left."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    try:
        yield part
        for file in [*part.iterdir(), part]:
            sync(file)
        part.rename(path)
        sync(path.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def prune(folder: Path, limit: int, spare: float) -> None:
    """Remove what was used longest ago until the entries of a folder's folders hold at most `limit` bytes.

    An entry, a file or a folder, goes as a whole. What was used in the last `spare` seconds stays, as somebody may be
    about to open it.
    """
    entries = [(path, *_weighed(path)) for path in folder.glob("*/*")]
    total = sum(size for _, size, _ in entries)
    for path, size, used in sorted(entries, key=lambda entry: entry[2]):
        if total <= limit or used > time.time() - spare:
            return
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        total -= size


def _weighed(path: Path) -> tuple[int, float]:
    """Bytes of a file, or of all in a folder, and when the newest of them was last used."""
    found = [file.stat() for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file()]
    return sum(about.st_size for about in found), max((about.st_mtime for about in found), default=0.0)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> str:
    """Content hash of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
