"""The child's end of the pipe: reports go up, controls come down.

The training loop reports through `Port` and asks it for controls; it knows nothing of who listens. A resumed run
computes again what is stored already, so everything recorded before is dropped here, in one place.
"""

import os
import threading
from collections import deque
from multiprocessing.connection import Connection
from typing import Any, Literal

from playground.domain.messages import (
    MAX_MESSAGE_BYTES,
    Artifact,
    AskType,
    Control,
    Emit,
    Message,
    Plan,
    Recorded,
    encode,
    parse_down,
)

LOG_CHARACTERS = 2_000
"""A log line longer than this is cut."""

TAIL = 2_000
"""Reports that travel with a checkpoint: more than a pipe and a slow database hold back."""

TAIL_BLOBS = 4 << 20
"""Characters of the binary parts among them; older probes are repeated without theirs."""

MAX_ASKS = 20
"""Things to do now that wait at most; further ones push out the oldest."""

Wish = Literal["stop", "pause", "preempt"]
OUTCOMES: dict[Wish | None, Literal["done", "stopped", "paused", "preempted"]] = {
    None: "done",
    "stop": "stopped",
    "pause": "paused",
    "preempt": "preempted",
}
"""How a run has ended that was asked to; None: it came to its end."""


class Interrupted(Exception):
    """A control arrived while the run was still preparing and there is nothing to save."""

    def __init__(self, wish: Wish) -> None:
        super().__init__(wish)
        self.wish = wish


class Port:
    """Typed messages over a connection; a connection whose other end is gone ends the process at once.

    The last reports are kept, and a checkpoint takes them along: when a supervisor dies with reports that it has not
    stored, the run may be further than its story, and the next attempt then tells what is missing.
    """

    def __init__(self, conn: "Connection[Any, Any]", recorded: Recorded | None = None) -> None:
        self._conn = conn
        self._sending = threading.Lock()  # beside the run, whoever watches over its other processes may speak
        self.recorded = recorded or Recorded()
        self.probed = 0
        self._wish: Wish | None = None
        self._asks: list[Control] = []
        self._tail: deque[Emit] = deque(maxlen=TAIL)

    def send(self, message: Message) -> None:
        """Send one message, waiting while the pipe is full."""
        try:
            with self._sending:
                self._conn.send_bytes(encode(message))
        except (BrokenPipeError, ConnectionResetError):
            os._exit(0)

    def metrics(self, step: int, **values: float) -> None:
        """Report the values of a step (numbered from 1), leaving out series that are stored up to it."""
        self._report(Emit(type="metrics", data={"step": step, **values}))

    def sample(self, step: int, prompt: str, text: str, **more: Any) -> None:
        """Report what the model wrote after a step, as the prompt and its continuation, and `more` of a kind's own."""
        self._report(Emit(type="sample", data={"step": step, "prompt": prompt, "text": text, **more}))

    def probe(self, data: dict[str, Any], blobs: list[str]) -> None:
        """Report what the pinned sentences look like after data["step"], with its binary parts in base64."""
        self.probed += sum(len(blob) * 3 // 4 for blob in blobs)
        self._report(Emit(type="probe", data=data, blobs=blobs))

    def _report(self, emit: Emit) -> None:
        self._tail.append(emit)
        step, recorded = emit.data["step"], self.recorded
        if emit.type == "metrics":
            known = {name for name, last in recorded.series.items() if last >= step}
            fresh = {name: value for name, value in emit.data.items() if name not in known and name != "step"}
            if fresh:
                self.send(Emit(type="metrics", data={"step": step, **fresh}))
        elif step > (recorded.probe if emit.type == "probe" else recorded.sample):
            self.send(emit)

    def tail(self) -> list[dict[str, Any]]:
        """The last reports in order, all of them unless there were more than the tail holds."""
        room, kept = TAIL_BLOBS, []
        for emit in reversed(self._tail):
            room -= sum(map(len, emit.blobs))
            kept.append(emit.model_dump(exclude=None if room >= 0 else {"blobs"}, exclude_defaults=True))
        return kept[::-1]

    def joins(self, tail: list[dict[str, Any]]) -> bool:
        """Whether the recorded story together with a tail of reports has no gap."""
        if len(tail) < TAIL:
            return True
        return max(self.recorded.series.values(), default=0) > int(tail[0]["data"]["step"])

    def replay(self, tail: list[dict[str, Any]]) -> None:
        """Report again what a checkpoint has taken along, as far as it is not recorded."""
        for emit in tail:
            self._report(Emit.model_validate(emit))

    def checkpoint(self, step: int, path: str, size: int, seconds: float) -> None:
        """Report a state that is safely on disk; `path` is relative to the job's folder, `size` in bytes."""
        known = self.recorded.checkpoint
        if known is None or step > known.step:
            data = {"step": step, "path": path, "bytes": size, "seconds": round(seconds, 4)}
            self.send(Emit(type="checkpoint", data=data))

    def log(self, text: str, level: Literal["info", "warning"] = "info") -> None:
        """Report a sentence for the log of the run."""
        self.send(Emit(type="log", data={"level": level, "message": text[:LOG_CHARACTERS]}))

    def artifact(self, kind: Literal["tokenizer", "model"], path: str, name: str, meta: dict[str, Any]) -> None:
        """Hand over a finished folder."""
        self.send(Artifact(kind=kind, path=path, name=name, meta=meta))

    def plan(self, steps: int) -> None:
        """Tell how many steps the run has."""
        self.send(Plan(steps=steps))

    def wish(self) -> Wish | None:
        """What the run is asked to do instead of going on, if anything; the first wish stands, a stop overrules it."""
        try:
            while self._conn.poll():
                match parse_down(self._conn.recv_bytes(MAX_MESSAGE_BYTES)):
                    case Control(control="stop" | "pause" | "preempt" as wish):
                        self._wish = "stop" if self._wish == "stop" else wish
                    case Control() as ask:
                        self._asks = [*self._asks[1 - MAX_ASKS :], ask]
        except (EOFError, ConnectionResetError, BrokenPipeError):
            os._exit(0)
        return self._wish

    def asked(self, what: AskType, step: int) -> Control | None:
        """What the owner wants to see of this kind after this step, if anything; it is then no longer wanted.

        While a resumed run repeats steps that are stored already nothing is given, since nobody would hear of it.
        Equal asks are met at once; those with different prompts get a step each.
        """
        wanted = [ask for ask in self._asks if ask.control == what]
        if not wanted or step <= max([self.recorded.sample, self.recorded.probe, *self.recorded.series.values()]):
            return None
        first = wanted[0]
        self._asks = [ask for ask in self._asks if ask != first]
        return first

    def check(self) -> None:
        """Raise Interrupted if a control has arrived; called while there is nothing to save."""
        wish = self.wish()
        if wish is not None:
            raise Interrupted(wish)
