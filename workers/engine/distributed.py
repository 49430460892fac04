"""One run on several devices: a process for each, and every batch's rows divided among them.

The child of the job is the first of them. It forks the others before anything is computed, so that they stand in its
process group and die with it. All take the same steps: each computes the gradient of its own rows, the gradients are
added up, and so all weights stay equal. Only the first evaluates, samples, saves and speaks; what it alone can know
(what the owner wants, the time) it shares with the others at fixed places of the loop.
"""

import contextlib
import ctypes
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import timedelta
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from playground.domain.job import Failure
from playground.domain.messages import MAX_MESSAGE_BYTES, Failed, Message, Start, parse_up
from workers.engine.checkpoints import Progress
from workers.engine.port import Port, Wish
from workers.engine.process import peak_memory
from workers.launch import PR_SET_PDEATHSIG

if TYPE_CHECKING:
    from workers.engine.run import Run

T = TypeVar("T")
ANY_TIME = timedelta(days=7)
"""How long one waits for another: preparing a text may take long, and who dies is noticed otherwise."""
FAREWELL = 10.0
"""Seconds that a process which lost its connection leaves for finding out who died, and of what."""
SHORT = 256
"""Bytes of a shared value that go in one piece with its length."""
BUCKET = 2**24
"""Numbers that are added up at a time, at least where there are so many."""


class Parted(Exception):
    """The connection to another process of the run broke: that one is dead or about to tell why it ends."""


class Mute(Port):
    """The port of all but the first: tells nothing but a failure of its own, to the first; and hears nothing."""

    def send(self, message: Message) -> None:
        """Tell a failure, unless it is one that the first finds as well."""
        if isinstance(message, Failed) and message.failure not in (Failure.NAN_LOSS, Failure.BAD_INPUT):
            super().send(message)

    def wish(self) -> Wish | None:
        """The first one hears for all."""
        return None


class Crew:
    """The processes of a run, seen from one of them; `devices` has one for each.

    `pids` are the others, as far as this one has forked them.
    """

    def __init__(
        self,
        rank: int,
        devices: list[str],
        others: "Sequence[tuple[int, Connection[Any, Any]]]" = (),
        upward: "Connection[Any, Any] | None" = None,
    ) -> None:
        self.rank, self.size, self.first = rank, len(devices), rank == 0
        self.device = torch.device(devices[rank])
        self._others, self._upward = others, upward
        self.pids = frozenset(pid for pid, _ in others)

    def port(self, conn: "Connection[Any, Any]", start: Start) -> Port:
        """The port of this process. The first one watches over the others from now on."""
        if self._upward is not None:
            conn.close()  # its end of file is how the supervisor sees that the first has gone
            return Mute(self._upward, start.recorded)
        port = Port(conn, start.recorded)
        for pid, pipe in self._others:
            threading.Thread(target=_watch, args=(pid, pipe, port), daemon=True).start()
        return port

    def connect(self, start: Start) -> None:
        """Meet the others; returns once all are there."""
        if self.size == 1:
            return
        loopback = "lo" if sys.platform == "linux" else "lo0"
        os.environ.update(GLOO_SOCKET_IFNAME=loopback, NCCL_SOCKET_IFNAME=loopback)
        backend = "gloo"
        if self.device.type == "cuda":
            torch.cuda.set_device(self.device)
            backend = "cpu:gloo,cuda:nccl"
        library: Any = dist  # which has more than its annotations say
        store = library.FileStore(str(Path(start.folder) / f".crew-{start.attempt}"), self.size)
        with _together():
            dist.init_process_group(backend, timeout=ANY_TIME, rank=self.rank, world_size=self.size, store=store)

    def shared(self, value: T) -> T:
        """What the first gives, of whatever JSON keeps, on every process."""
        if self.size == 1:
            return value
        body = json.dumps(value).encode() if self.first else b""
        head = torch.zeros(SHORT, dtype=torch.uint8)
        head[:8] = torch.frombuffer(bytearray(len(body).to_bytes(8, "big")), dtype=torch.uint8)
        if self.first and len(body) <= SHORT - 8:
            head[8 : 8 + len(body)] = torch.frombuffer(bytearray(body), dtype=torch.uint8)
        with _together():
            dist.broadcast(head, 0)
            length = int.from_bytes(bytes(head[:8].tolist()), "big")
            found = head[8 : 8 + length]
            if length > SHORT - 8:
                found = torch.frombuffer(bytearray(body or bytes(length)), dtype=torch.uint8)
                dist.broadcast(found, 0)
        told: T = json.loads(bytes(found.tolist()))
        return told

    def in_turn(self, work: Callable[[], T]) -> T:
        """Do on the first, and only then on the others, what leaves on the disk something that they can use."""
        if not self.first:
            self.shared(None)
        done = work()
        if self.first:
            self.shared(None)
        return done

    def sum(self, gradient: Tensor, loss: float) -> float:
        """Add up in place the gradients of all processes, (length,), and return the sum of their losses.

        Every process gets the same bits, since each number is added up in one place and then told to all.
        """
        if self.size == 1:
            return loss
        for part in gradient.split(BUCKET):
            with _together():
                dist.all_reduce(part)
        return self._total(loss)

    def peak_memory(self) -> int:
        """Bytes at most that the run has held: of all processes where they share one memory, else of this device."""
        peak = peak_memory(self.device)
        return peak if self.size == 1 or self.device.type == "cuda" else int(self._total(peak))

    def _total(self, number: float) -> float:
        kept = torch.tensor([number], dtype=torch.float64)
        with _together():
            dist.all_reduce(kept)
        return kept.item()


def muster(start: Start) -> Crew:
    """Fork a process for each further device. Every one returns from here, with a rank of its own.

    Called while this process has a single thread and has touched no GPU.
    """
    devices, parent = [start.device, *start.peers], os.getpid()
    others: list[tuple[int, Connection[Any, Any]]] = []
    if start.peers:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # the others' ends are waited for
    for rank in range(1, len(devices)):
        ours, theirs = Pipe(duplex=False)
        pid = os.fork()
        if not pid:
            _die_with(parent)
            ours.close()
            for _pid, pipe in others:
                pipe.close()
            return Crew(rank, devices, upward=theirs)
        theirs.close()
        others.append((pid, ours))
    return Crew(0, devices, others)


def _die_with(parent: int) -> None:
    """Have the kernel end this process together with the first; where it cannot, its closed connections do."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _watch(pid: int, pipe: "Connection[Any, Any]", port: Port) -> None:
    """Wait for the end of another process; where that is no good one, end this one in the same way.

    Collectives would wait for the dead one, on a GPU even without noticing. What it said before becomes this
    process's last word; one that was killed looks to the supervisor like this one being killed.
    """
    word: bytes | None = None
    with contextlib.suppress(EOFError, OSError):
        word = pipe.recv_bytes(MAX_MESSAGE_BYTES)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if word is not None:
        port.send(parse_up(word))
        os._exit(0)
    if code < 0:
        os.kill(os.getpid(), -code)
    if code:
        os._exit(abs(code))


def wait_for_the_end() -> None:
    """What a process does whose connection to another broke: whoever knows more ends it, or it ends by itself."""
    time.sleep(FAREWELL)
    os._exit(1)


@contextlib.contextmanager
def _together() -> Iterator[None]:
    """Around what all processes do together. Raises Parted where one of them is gone."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        raise Parted(str(error)) from error


def align(run: "Run") -> None:
    """Give every process the place, the weights and the optimizer's state of the first, which has resumed the run."""
    crew, learner = run.crew, run.learner
    if crew.size == 1:
        return
    step = run.progress.step
    tensors = {name: part.contiguous() for name, part in learner.state()} if crew.first and step else {}
    forms = {name: [list(part.shape), str(part.dtype), part.device.type] for name, part in tensors.items()}
    mine: dict[str, Any] = {"precision": learner.precision, "progress": asdict(run.progress), "tensors": forms}
    told = crew.shared(mine)
    if not crew.first:
        if told["precision"] != learner.precision:
            run.rebuild(told["precision"])
        run.progress = Progress(**told["progress"])
        tensors = {name: _room(form, crew.device) for name, form in told["tensors"].items()}
    with _together():
        for part in tensors.values():
            dist.broadcast(part, 0)
    if tensors and not crew.first:
        run.learner.load(tensors, run.progress.step)


def _room(form: list[Any], device: torch.device) -> Tensor:
    """An array for what the first will send, by its shape, type and sort of device."""
    shape, dtype, where = form
    there = torch.device("cpu") if where == "cpu" else device
    return torch.empty(shape, dtype=getattr(torch, dtype.removeprefix("torch.")), device=there)
