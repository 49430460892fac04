"""The home folder of one installation and the lock that keeps a second supervisor off it."""

import fcntl
import json
import os
from pathlib import Path

from playground.web.redis_server import private_folder


class AlreadyRunning(Exception):
    """Another supervisor holds this home."""

    def __init__(self, address: str, pid: int) -> None:
        super().__init__(address)
        self.address = address
        self.pid = pid


class Home:
    """VITRINE_HOME and its lock, held until the process ends.

    A folder that is made here has mode 0700. One that was there keeps its own; `run` inside is private.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder
        self.run = private_folder(folder / "run")
        self.logs = folder / "logs"
        # Kept open for the life of the process: the kernel drops the lock with it, however it ends.
        self._lock = os.open(self.run / "serve.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take(self) -> None:
        """Take the lock; raises AlreadyRunning with the address of the one who has it."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(*self._holder()) from None
        os.ftruncate(self._lock, 0)

    def sign(self, address: str) -> None:
        """Write down, for a second start to read, where this one listens."""
        os.pwrite(self._lock, json.dumps({"address": address, "pid": os.getpid()}).encode(), 0)

    def release(self) -> None:
        """Let go of the home."""
        os.close(self._lock)

    def _holder(self) -> tuple[str, int]:
        """Address and process of the holder; it may not have written them yet."""
        try:
            note = json.loads(os.pread(self._lock, 4096, 0))
            return str(note["address"]), int(note["pid"])
        except (ValueError, KeyError, TypeError):
            return "an address that it has not chosen yet", 0
