"""The store: where the bytes of artifacts lie, each under the hash of its content.

`<root>/<kind>/<first two of the hash>/<hash>/` holds one artifact's files. The root is any address that
fsspec understands; on a local disk files are moved in and read in place, elsewhere they are uploaded,
and downloaded into a cache when somebody needs a real path.
"""

import os
import shutil
import uuid
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

CORPUS_FILE = "text.txt"
TOKENIZER_FILE = "tokenizer.json"
DISK_RESERVE = 256 << 20
"""Bytes of disk left free for the database and checkpoints when an upload is accepted."""


class Store:
    """One root. Content is immutable, so that putting what is there already does nothing."""

    def __init__(self, url: str, cache_folder: Path) -> None:
        self.fs: Any
        self.root: str
        self.fs, self.root = import_string("fsspec.core.url_to_fs")(url)
        self.is_local = "file" in _protocols(self.fs)
        self.cache_folder = cache_folder

    def put_file(self, kind: str, sha256: str, local: Path, name: str = CORPUS_FILE) -> None:
        """Take one file over as the only file of an artifact; `local` is gone afterwards."""
        folder = local.with_name(f"{local.name}.{uuid.uuid4().hex}")
        folder.mkdir(mode=0o700)
        try:
            local.replace(folder / name)
            self.put_tree(kind, sha256, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def put_tree(self, kind: str, sha256: str, local: Path) -> None:
        """Take a folder over as an artifact; `local` is gone afterwards."""
        if not self.is_local:
            target = self._path(kind, sha256)
            for path in _files(local):
                self.fs.put_file(str(path), f"{target}/{path.relative_to(local).as_posix()}")
            shutil.rmtree(local)
            return
        target_folder = Path(self._path(kind, sha256))
        target_folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = target_folder.with_name(f".{sha256}.{uuid.uuid4().hex}")
        try:
            # A move within one disk is a rename; across disks the draft is the copy, and only whole ones get the name.
            shutil.move(local, draft)
            _sync(draft)
            if not target_folder.exists():
                draft.rename(target_folder)
        except OSError:
            if not target_folder.exists():
                raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def local(self, kind: str, sha256: str) -> Path:
        """The folder of an artifact as a real path. Raises FileNotFoundError where its bytes are gone."""
        if self.is_local:
            folder = Path(self._path(kind, sha256))
        else:
            folder = self.cache_folder / kind / sha256
            if not folder.exists():
                self._download(kind, sha256, folder)
        if not folder.is_dir():
            raise FileNotFoundError(f"{kind} {sha256} is not in the store")
        return folder

    def exists(self, kind: str, sha256: str) -> bool:
        """Whether the artifact's bytes are there."""
        return bool(self.fs.exists(self._path(kind, sha256)))

    def remove(self, kind: str, sha256: str) -> None:
        """Delete an artifact's bytes; nothing happens where there are none."""
        if self.exists(kind, sha256):
            self.fs.rm(self._path(kind, sha256), recursive=True)
        if not self.is_local:
            shutil.rmtree(self.cache_folder / kind / sha256, ignore_errors=True)

    def size(self, kind: str, sha256: str) -> int:
        """Bytes of one artifact."""
        return int(self.fs.du(self._path(kind, sha256)))

    def sizes(self, kind: str) -> dict[str, tuple[int, datetime]]:
        """Bytes and newest change of every artifact of a kind, by hash."""
        found: dict[str, tuple[int, datetime]] = {}
        for path in self.fs.find(f"{self.root}/{kind}"):
            sha256 = path.removeprefix(f"{self.root}/{kind}/").split("/")[1]
            size, when = found.get(sha256, (0, datetime.min.replace(tzinfo=UTC)))
            found[sha256] = (size + int(self.fs.size(path)), max(when, self.fs.modified(path)))
        return found

    def free(self) -> int | None:
        """Bytes that an upload may still take, or None where the store has no disk of its own."""
        if not self.is_local:
            return None
        folder = Path(self.root)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return max(0, shutil.disk_usage(folder).free - DISK_RESERVE)

    def _path(self, kind: str, sha256: str) -> str:
        return f"{self.root}/{kind}/{sha256[:2]}/{sha256}"

    def _download(self, kind: str, sha256: str, folder: Path) -> None:
        draft = folder.with_name(f".{sha256}.{uuid.uuid4().hex}")
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.fs.get(self._path(kind, sha256), str(draft), recursive=True)
        try:
            draft.rename(folder)
        except OSError:
            # Another process was faster; the content is the same.
            shutil.rmtree(draft, ignore_errors=True)


@cache
def _at(url: str, cache_folder: Path) -> Store:
    return Store(url, cache_folder)


def current() -> Store:
    """The store of this installation."""
    return _at(settings.STORAGE_URL, settings.VITRINE_HOME / "cache")


def local(kind: str, sha256: str) -> Path:
    """The folder of an artifact as a real path. Raises FileNotFoundError where its bytes are gone."""
    return current().local(kind, sha256)


def _protocols(fs: Any) -> tuple[str, ...]:
    protocol = fs.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _sync(folder: Path) -> None:
    """Have the disk keep the files before a row of the database speaks of them."""
    for path in [*_files(folder), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
