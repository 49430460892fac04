"""Children of a worker, seen from the worker: start one, talk to it through its pipe, end it.

Children are forked from one fork server, which loads the heavy libraries once and then gives birth in
milliseconds. A reader thread turns each child's pipe into a bounded queue, so that a child that stops in the
middle of a message can block no one, and one that talks faster than the database takes it is slowed down.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Mapping
from multiprocessing.connection import Connection
from multiprocessing.forkserver import ensure_running
from pathlib import Path

from playground.domain.messages import MAX_MESSAGE_BYTES, Message, encode
from workers.launch import Limits, enter

PRELOAD = ["workers.engine.preload"]
BACKLOG = 4096
"""Messages of one child that may wait in this process; after that the child waits."""

KEEP = frozenset({"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH"})
"""Variables that a child may see beside those that fix its number of threads. No secret is among them."""

SPIN = "10000"
"""Turns that an OpenMP thread waits busily for the others, instead of the usual 300,000.

They last tens of microseconds, about as long as the others take on idle cores. On cores that are shared, as with the
pages or a second job, the usual number makes a step of a small model up to fifty times as long, because threads that
wait take the cores from those that work.
"""
HUGE_PAGES = "glibc.malloc.hugetlb=1"
"""Has the C library ask for pages of 2 MiB, where the kernel gives them to those who ask: a step of a small model goes
through some 50 MB, and looking its small pages up takes a twentieth of the time."""

_context = multiprocessing.get_context("forkserver")
_birth = threading.Lock()


def set_preload(modules: list[str]) -> None:
    """Say which modules the fork server loads, before it is first needed; one that cannot be loaded is left out."""
    _context.set_forkserver_preload(modules)


set_preload(PRELOAD)


def child_environment(environ: Mapping[str, str], threads: int) -> dict[str, str]:
    """What children see of `environ`, plus what keeps torch to its threads and off the network."""
    count = str(threads)
    return {name: value for name, value in environ.items() if name in KEEP} | {
        "GLIBC_TUNABLES": HUGE_PAGES,
        "OMP_NUM_THREADS": count,
        "GOMP_SPINCOUNT": SPIN,
        "MKL_NUM_THREADS": count,
        "TOKENIZERS_PARALLELISM": "true",
        "RAYON_NUM_THREADS": count,
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",  # as the driver numbers them, of which the memory is asked
        "PYTHONPATH": str(Path(__file__).resolve().parent.parent),
    }


def open_nursery(threads: int) -> None:
    """Start the fork server, from a reduced environment; this process's own is afterwards what it was.

    Called first of all, so that the libraries load while this process reads its settings.
    """
    given = dict(os.environ)
    reduce_environment(threads)
    ensure_running()
    os.environ.update(given)


def reduce_environment(threads: int) -> None:
    """Reduce this process's environment to what children may see, for good.

    For good, because the fork server is started again, whenever it is found dead, from whatever the environment is
    then, and because the C library's environment must not change under running threads. So this is called once, after
    the settings were read and before any thread exists.
    """
    allowed = child_environment(os.environ, threads)
    os.environ.clear()
    os.environ.update(allowed)


class Child:
    """A running child process and its pipe."""

    def __init__(self, module: str, limits: Limits, name: str) -> None:
        ours, theirs = multiprocessing.Pipe(duplex=True)
        self._pipe: Connection[bytes, bytes] = ours
        self._inbox: queue.Queue[bytes | None] = queue.Queue(BACKLOG)
        self._heard = False
        self._process = _context.Process(target=enter, args=(module, theirs, limits), name=name, daemon=True)
        with _birth:  # starting processes is not made for several threads at once
            self._process.start()
        theirs.close()
        self.pid = self._process.pid or 0
        threading.Thread(target=self._read, name=f"{name}-pipe", daemon=True).start()

    def _read(self) -> None:
        # Anything unreadable, too long or cut off ends the conversation.
        with contextlib.suppress(EOFError, OSError):
            while True:
                self._inbox.put(self._pipe.recv_bytes(MAX_MESSAGE_BYTES))
        self._inbox.put(None)

    def send(self, message: Message) -> None:
        """Send a message; says nothing where the child is gone, which `receive` tells anyway."""
        self.send_raw(encode(message))

    def send_raw(self, message: bytes) -> None:
        """Send bytes, as `send` does."""
        with contextlib.suppress(OSError):
            self._pipe.send_bytes(message)

    def receive(self, timeout: float) -> bytes | None:
        """The next message; None once the child has closed its pipe; raises `queue.Empty` after `timeout` seconds."""
        message = self._inbox.get(timeout=max(0.0, timeout))
        self._heard = message is None
        return message

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the number of the signal that ended it."""
        return self._process.exitcode

    def signal(self, number: signal.Signals) -> None:
        """Signal the child's whole process group; the child alone where it has not made its group yet."""
        if self.exit_code is not None:
            return
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def end(self, grace: float = 0.0) -> int | None:
        """Wait up to `grace` seconds for the child to leave by itself, then kill its group. Returns the exit code."""
        self._process.join(grace)
        if self.exit_code is None:
            self.signal(signal.SIGKILL)
            self._process.join(5)
        return self.exit_code

    def close(self) -> None:
        """Give the pipe and the thread back, once the child has ended; what it said last is dropped."""
        with contextlib.suppress(queue.Empty):
            while not self._heard:  # a reader that waits for room must come to its end
                self.receive(timeout=5.0)
        self._pipe.close()
        if self.exit_code is not None:
            self._process.close()
