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
    """Remove the files that were used longest ago until a folder holds at most `limit` bytes.

    Files used in the last `spare` seconds stay, as somebody may be about to open them.
    """
    files = [(path, path.stat()) for path in folder.rglob("*") if path.is_file()]
    total = sum(about.st_size for _, about in files)
    for path, about in sorted(files, key=lambda entry: entry[1].st_mtime):
        if total <= limit or about.st_mtime > time.time() - spare:
            return
        path.unlink(missing_ok=True)
        total -= about.st_size


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
