"""A tiny engine that speaks the real protocol: it "trains" by counting, saves, resumes, obeys, and can come to grief.

Its loss is a pure function of the step, so that a resumed run can be compared with an undisturbed one. The job's
parameters say what happens: `{"steps": 30, "pause": 0.01, "at": 12, "then": "segv", "times": 1}`.
"""

import ctypes
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from playground.domain.messages import (
    Artifact,
    Control,
    Emit,
    Failed,
    Finished,
    Message,
    Plan,
    Start,
    encode,
    parse_down,
)


def loss(step: int) -> float:
    """The loss of a step."""
    return 7.0 / step


def broken() -> None:
    """Raise as a defect would."""
    raise RuntimeError("the engine broke")


def bomb() -> None:
    """Take memory until there is none."""
    hoard = []
    while True:
        hoard.append(bytearray(64 << 20))


DEATHS: dict[str, Callable[[], object]] = {
    "segv": lambda: ctypes.string_at(0),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "abort": os.abort,
    "exit": lambda: sys.exit(3),
    "raise": broken,
    "hang": lambda: ctypes.CDLL(None).sleep(3600),
    "bomb": bomb,
}
SAYINGS: dict[str, bytes] = {
    "gibberish": b'{"verb": "dance"}',
    "escape": encode(Artifact(kind="model", path="/etc", name="loot", meta={})),
    "disk_full": encode(Failed(failure="disk_full", message="No space left on device")),
    "flood": b"x" * (2 << 20),
}


def grief(then: str, conn: "Connection[bytes, bytes]") -> None:
    """Come to grief in the way that was asked for."""
    if then in DEATHS:
        DEATHS[then]()
    if then in SAYINGS:
        conn.send_bytes(SAYINGS[then])
        sys.exit(0)
    # Deaf: it talks, and hears neither its pipe nor a polite signal.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        conn.send_bytes(encode(Emit(type="log", data={"level": "info", "message": "still here"})))
        time.sleep(0.05)


def report_shell(conn: "Connection[bytes, bytes]") -> None:
    """Tell what the kernel holds this process to."""
    limits = {
        "environ": Path("/proc/self/environ").read_bytes().decode(),
        "variables": sorted(os.environ),
        "descriptors": sorted(int(path.name) for path in Path("/proc/self/fd").iterdir()),
        "pipe": conn.fileno(),
        "leads_its_group": os.getpgid(0) == os.getpid() == os.getsid(0),
        "nice": os.nice(0),
        "core": resource.getrlimit(resource.RLIMIT_CORE)[1],
        "address_space": resource.getrlimit(resource.RLIMIT_AS)[1],
        "modules": sorted(name for name in sys.modules if name.partition(".")[0] in ("django", "celery", "redis")),
    }
    conn.send_bytes(json.dumps(limits).encode())
    conn.recv_bytes()


def main(conn: "Connection[bytes, bytes]") -> None:
    """Run one job to its end."""
    start = parse_down(conn.recv_bytes())
    assert isinstance(start, Start)
    try:
        Run(conn, start).go()
    except MemoryError:
        conn.send_bytes(encode(Failed(failure="out_of_memory", message="Out of memory.")))


class Run:
    """One attempt."""

    def __init__(self, conn: "Connection[bytes, bytes]", start: Start) -> None:
        self.conn, self.start = conn, start
        self.known = start.recorded.series.get("loss", 0)
        self.folder = Path(start.folder)
        self.state = self.folder / "checkpoint.json"

    def send(self, message: Message) -> None:
        """Send a message up."""
        self.conn.send_bytes(encode(message))

    def wish(self) -> str | None:
        """What was asked for, if anything."""
        while self.conn.poll():
            control = parse_down(self.conn.recv_bytes())
            assert isinstance(control, Control)
            if control.control not in ("evaluate", "sample", "probe"):
                return control.control
            text = f"asked to {control.control} {control.prompt}"
            self.send(Emit(type="log", data={"level": "info", "message": text}))
        return None

    def go(self) -> None:
        """Count to the end, or to what was asked for."""
        params = self.start.params
        step = json.loads(self.state.read_text())["step"] if self.state.exists() else 0
        self.send(Plan(steps=params["steps"]))
        if "null" in params:
            self.send(Emit(type="sample", data={"step": 1, "prompt": "", "text": "a\0b"}))
        while step < params["steps"]:
            step += 1
            if step == params.get("at") and self.start.attempt <= params.get("times", 99):
                grief(params["then"], self.conn)
            if step > self.known:
                self.send(Emit(type="metrics", data={"step": step, "loss": loss(step)}))
            if step % 5 == 0:
                self.save(step)
            wish = self.wish()
            if wish in ("pause", "preempt"):
                self.save(step)
                self.send(Finished(outcome="paused" if wish == "pause" else "preempted"))
                return
            if wish == "stop":
                self.model("stopped")
                return
            time.sleep(params.get("pause", 0.01))
        self.model("done")

    def save(self, step: int) -> None:
        """Keep the position, whole or not at all."""
        draft = self.state.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps({"step": step}))
        draft.replace(self.state)

    def model(self, outcome: str) -> None:
        """Hand a model over and end."""
        folder = self.folder / f"model-{self.start.attempt}"
        folder.mkdir()
        (folder / "config.json").write_text("{}")
        self.send(Artifact(kind="model", path=str(folder), name="counter", meta={"parameters": 0}))
        self.send(Finished.model_validate({"outcome": outcome}))
