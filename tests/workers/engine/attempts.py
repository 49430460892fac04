"""What the tests of the engine share: texts, tiny models, and attempts at a job driven over a real pipe."""

import hashlib
import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any

from playground.domain.messages import (
    Artifact,
    CheckpointMark,
    Control,
    Emit,
    Failed,
    Finished,
    InputFile,
    Message,
    Plan,
    Recorded,
    Start,
    encode,
    parse_up,
)
from playground.domain.registry import kinds

CORPUS_ID = "00000000-0000-4000-8000-000000000000"
TINY: dict[str, Any] = {
    "corpus": CORPUS_ID,
    "preset": None,
    "n_layer": 1,
    "n_head": 2,
    "d_model": 16,
    "vocab_size": 320,
    "block_size": 16,
    "batch_size": 4,
    "steps": 12,
    "warmup_steps": 2,
    "learning_rate": 0.01,
    "eval_interval": 5,
    "eval_batches": 2,
    "sample_interval": 6,
    "sample_tokens": 8,
    "precision": "fp32",
}
Up = Emit | Artifact | Plan | Finished | Failed


def story(lines: int = 400) -> str:
    """A text with a little grammar in it, in two scripts and with characters of four bytes."""
    who, what = ["the cat", "the dog", "an old owl", "小猫", "the 🦊"], ["sees", "follows", "喜欢", "hears"]
    rows = (
        f"{who[i % 5]} {what[i * 7 % 4]} {who[(i * 3 + i // 5) % 5]}. {'And then?' * (i % 3 == 0)}"
        for i in range(lines)
    )
    return "\n".join(rows) + "\n"


@dataclass
class Attempt:
    """One child at work: its pipe, its process, and what it has said so far."""

    conn: "Connection[Any, Any]"
    pid: int
    said: list[Up] = field(default_factory=list)

    def read(self) -> Up | None:
        """The next message, or None once the child is gone."""
        try:
            message = parse_up(self.conn.recv_bytes())
        except (EOFError, ConnectionResetError):
            return None
        self.said.append(message)
        return message

    def finish(self) -> list[Up]:
        """All messages up to the end."""
        while self.read() is not None:
            pass
        return self.said

    def until(self, wanted: type[Message], count: int = 1) -> Message:
        """Read on until so many messages of a type have come; fails if the child ends before."""
        while (message := self.read()) is not None:
            count -= isinstance(message, wanted)
            if not count:
                return message
        raise AssertionError(f"ended without {wanted.__name__}: {self.said[-1:]}")

    def until_step(self, step: int) -> None:
        """Read on until the loss of a step has come."""
        while (message := self.read()) is not None:
            if isinstance(message, Emit) and message.type == "metrics" and message.data["step"] >= step:
                return
        raise AssertionError(f"ended before step {step}: {self.said[-1:]}")

    def ask(self, control: str, prompt: str | None = None) -> None:
        """Send a control."""
        self.conn.send_bytes(encode(Control.model_validate({"control": control, "prompt": prompt})))

    def kill(self) -> list[Up]:
        """End the child as a power cut would. Returns what it had said, the messages still in the pipe included."""
        os.kill(self.pid, signal.SIGKILL)
        return self.finish()


class Bench:
    """A home with one job in it, whose attempts can be started, killed and started again."""

    def __init__(self, socket: str, home: Path, text: str) -> None:
        self._socket = socket
        self.folder = home / "jobs" / "job-1"
        self.folder.mkdir(parents=True)
        self.corpus = home / "corpus" / "text.txt"
        self.corpus.parent.mkdir()
        self.corpus.write_bytes(text.encode())
        self.inputs: dict[str, InputFile] = {"corpus": self.file(self.corpus)}
        self.number = 0

    def file(self, path: Path) -> InputFile:
        """A file as an input of the job."""
        return InputFile(path=str(path), sha256=hashlib.sha256(path.read_bytes()).hexdigest())

    def start(
        self,
        recorded: Recorded | None = None,
        planned: int | None = None,
        threads: int = 1,
        kind: str = "clm",
        base_step: int | None = None,
        main: str = "child",
        **params: Any,
    ) -> Attempt:
        """Begin the next attempt with the tiny parameters, as far as the kind has them, and these."""
        known = kinds()[kind].Params.model_fields
        self.number += 1
        conn = Client(self._socket, "AF_UNIX")
        pid = json.loads(conn.recv_bytes())["pid"]
        conn.send_bytes(main.encode())
        order = Start(
            job="job-1",
            attempt=self.number,
            kind=kind,
            params={**{name: value for name, value in TINY.items() if name in known}, **params},
            inputs=self.inputs,
            folder=str(self.folder),
            recorded=recorded or Recorded(),
            planned_steps=planned,
            threads=threads,
            peers=["cpu"] * (params.get("devices", 1) - 1),
            base_step=base_step,
        )
        conn.send_bytes(encode(order))
        return Attempt(conn, pid)

    def run(self, **params: Any) -> list[Up]:
        """One attempt to its end."""
        return self.start(**params).finish()

    def checkpoints(self) -> list[Path]:
        """The checkpoints on disk, oldest first."""
        return sorted(path for path in (self.folder / "checkpoints").glob("*-*") if not path.name.startswith("."))

    def wait_for_writing(self, attempt: Attempt, seconds: float = 60) -> None:
        """Wait until a checkpoint is being written, and is not there yet."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            # Not a glob over both levels: the folder gets its real name while one looks.
            if any((self.folder / "checkpoints").glob(".[0-9]*")):
                return
        raise AssertionError("no checkpoint was written")


def metrics(said: list[Up]) -> dict[str, dict[int, float]]:
    """Series by name, each step -> value; fails where a step of a series came twice or is no number."""
    series: dict[str, dict[int, float]] = {}
    for message in of_type(said, "metrics"):
        for name, value in message.data.items():
            if name != "step":
                known = series.setdefault(name, {})
                assert message.data["step"] not in known, f"{name} of step {message.data['step']} came twice"
                known[message.data["step"]] = value
    return series


def of_type(said: list[Up], kind: str) -> Iterator[Emit]:
    """The reports of one type, in order."""
    return (message for message in said if isinstance(message, Emit) and message.type == kind)


def remember(said: list[Up], before: Recorded | None = None) -> Recorded:
    """What a ledger would know after these messages."""
    known = before or Recorded()
    series, sample, mark = dict(known.series), known.sample, known.checkpoint
    for name, values in metrics(said).items():
        series[name] = max(values)
    for message in of_type(said, "sample"):
        sample = message.data["step"]
    for message in of_type(said, "checkpoint"):
        mark = CheckpointMark(step=message.data["step"], path=message.data["path"])
    return Recorded(series=series, sample=sample, checkpoint=mark)


def artifacts(said: list[Up]) -> dict[str, Artifact]:
    """The artifacts that were handed over, by kind."""
    return {message.kind: message for message in said if isinstance(message, Artifact)}


def exact(values: dict[int, float]) -> dict[int, str]:
    """Values as hexadecimal floats: equal only if every bit is."""
    return {step: float(value).hex() for step, value in values.items()}
