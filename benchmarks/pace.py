"""How a trainer under measurement is told when to run: laps of so many steps, and a report after each.

Used by both sides, whichever packages they have: it needs none. The driver writes a number of steps to standard
input; the trainer, which asks before each step, goes on for that long, then answers with one line of JSON and waits.
While it waits it uses no processor.
"""

import json
import os
import sys
import time
from pathlib import Path


class Pace:
    """Asked before each step; standard output is the driver's from here on, all else goes to standard error."""

    def __init__(self) -> None:
        self._answers = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)
        self._left = 0
        self._began: tuple[float, float] | None = None
        self.waited = 0.0
        """Seconds in which it was another's turn."""

    def step(self, tokens: float) -> None:
        """Return when the next step may be taken; `tokens` are those learned from so far."""
        if self._left == 0:
            now = time.perf_counter()
            if self._began is None:
                self._say({"ready": True})
            else:
                self._say({"seconds": now - self._began[0], "tokens": tokens - self._began[1], "peak": peak_memory()})
            waits = time.perf_counter()
            line = sys.stdin.readline()
            self.waited += time.perf_counter() - waits
            if not line:
                os._exit(0)
            self._left = int(line)
            self._began = time.perf_counter(), tokens
        self._left -= 1

    def _say(self, answer: dict[str, float]) -> None:
        self._answers.write(json.dumps(answer) + "\n")
        self._answers.flush()


def peak_memory() -> int:
    """The largest resident memory that this process has had, in bytes."""
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split(maxsplit=1)[0]) * 1024
