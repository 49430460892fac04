"""Our side of a duel: the real engine, prepared and trained as a child of a worker does it, at the driver's pace.

Only the port differs: it waits for the driver before each step, and what it would send to the ledger goes nowhere.
"""

import hashlib
import json
import multiprocessing
import sys
import tempfile
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.pace import Pace
from playground.domain.messages import InputFile, Start
from workers.engine.port import Port, Wish
from workers.engine.process import tune
from workers.engine.run import Run
from workers.engine.train import train

QUIET: dict[str, Any] = {
    "steps": 1_000_000,
    "compile": "off",
    "eval_interval": 10_000_000,
    "sample_interval": 10_000_000,
    "checkpoint_interval": 10_000_000,
    "probes": [],
}
"""Training alone, as the peers do it: nothing is evaluated, sampled, looked at or saved."""


class Paced(Port):
    """A port that lets the loop go on when the driver does; every step asks it once, as nothing is accumulated."""

    def __init__(self, conn: "Connection[Any, Any]", pace: Pace, *, silent: bool) -> None:
        super().__init__(conn)
        self._pace, self._tokens, self._silent = pace, 0.0, silent
        self.training = False

    def metrics(self, step: int, **values: float) -> None:
        """Count the tokens on the way."""
        self._tokens = values.get("tokens", self._tokens)
        if not self._silent:
            super().metrics(step, **values)

    def wish(self) -> Wish | None:
        """Wait for the driver, once the loop asks and not what comes before it."""
        if self.training:
            self._pace.step(self._tokens)
        return super().wish()

    def check(self) -> None:
        """Preparing is not paced."""


def drain(conn: "Connection[Any, Any]") -> None:
    """Take what the engine says, as a worker would."""
    while True:
        conn.recv_bytes()


def file(path: str) -> InputFile:
    """A file, or the folder of a model, as an input of a job."""
    given = Path(path)
    content = given / "model.safetensors" if given.is_dir() else given
    return InputFile(path=path, sha256=hashlib.sha256(content.read_bytes()).hexdigest())


def main(spec: dict[str, Any]) -> None:
    """Train as the specification says: kind, params, inputs, and where to leave the tokens for the peers."""
    tune(spec["threads"])
    pace = Pace()
    ours, theirs = multiprocessing.Pipe()
    threading.Thread(target=drain, args=(theirs,), daemon=True).start()
    clock = time.monotonic
    # The run's own clocks stand still while others have their turn: they decide when to save, and what a look may take.
    with tempfile.TemporaryDirectory() as home, patch("time.monotonic", lambda: clock() - pace.waited):
        folder = Path(home) / "jobs" / "job"
        folder.mkdir(parents=True)
        start = Start(
            job="job",
            attempt=1,
            kind=spec["kind"],
            params={**QUIET, **spec["params"]},
            inputs={role: file(path) for role, path in spec["inputs"].items()},
            folder=str(folder),
            threads=spec["threads"],
        )
        port = Paced(ours, pace, silent=spec.get("silent", False))
        run = Run(start, port)
        if "tokens" in spec:
            np.save(spec["tokens"], np.asarray(run.text.data.tokens, dtype=np.int64))
        if "tokenizer" in spec:
            run.text.tokenizer.save(spec["tokenizer"])
        port.training = True
        train(run)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
