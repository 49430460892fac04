"""Trainers against each other: each in a process of its own, on the same cores, one lap after the other in turns.

A lap lasts a few seconds and the trainers take turns, so that whatever else the machine does slows all of them alike.
What counts is the ratio within a round; the median over the rounds is the result.
"""

import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workers.nursery import child_environment

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / ".venv-bench" / "bin" / "python"
"""The interpreter with the peers (`make bench-env`)."""
THREADS = 2
FIRST_LAP = 3


@dataclass(frozen=True)
class Contestant:
    """A program that keeps the pace, what it is told, and whether it is one of the peers."""

    name: str
    module: str
    spec: dict[str, Any]

    @property
    def is_peer(self) -> bool:
        """Whether it runs in the peers' environment."""
        return self.module.startswith("benchmarks.peers.")


@dataclass
class Laps:
    """What a contestant did: tokens a second in each round, and its peak memory in bytes."""

    rates: list[float] = field(default_factory=list)
    peak: int = 0

    @property
    def rate(self) -> float:
        """The median."""
        return statistics.median(self.rates)


class Process:
    """A contestant at the start line."""

    def __init__(self, contestant: Contestant) -> None:
        python = str(PEERS) if contestant.is_peer else sys.executable
        # How long threads wait busily is set alike for all: the usual number would punish the peers on a busy machine.
        environment = child_environment(os.environ, THREADS)
        if contestant.is_peer:
            environment["PYTHONPATH"] = str(ROOT)
            del environment["GLIBC_TUNABLES"]  # how the C library gets its memory is part of what is measured
        self._process = subprocess.Popen(
            [python, "-m", contestant.module, json.dumps(contestant.spec)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()

    def lap(self, steps: int) -> dict[str, float]:
        """Run so many steps."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{steps}\n")
        self._process.stdin.flush()
        return self._answer()

    def end(self) -> None:
        """Leave the track."""
        self._process.kill()
        self._process.wait()

    def _answer(self) -> dict[str, float]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("a trainer under measurement has ended; its complaint stands above")
        found: dict[str, float] = json.loads(line)
        return found


def duel(contestants: list[Contestant], rounds: int = 5, seconds: float = 3.0) -> dict[str, Laps]:
    """Laps of about so many seconds, in turns; a first lap of each, in which it warms up, is not counted."""
    processes = {contestant.name: Process(contestant) for contestant in contestants}
    try:
        steps = {}
        for name, process in processes.items():
            process.lap(FIRST_LAP)
            steps[name] = max(2, round(FIRST_LAP * seconds / process.lap(FIRST_LAP)["seconds"]))
        laps = {name: Laps() for name in processes}
        for _ in range(rounds):
            for name, process in processes.items():
                told = process.lap(steps[name])
                laps[name].rates.append(told["tokens"] / told["seconds"])
                laps[name].peak = max(laps[name].peak, int(told["peak"]))
        return laps
    finally:
        for process in processes.values():
            process.end()


def ratio(laps: dict[str, Laps], ours: str, peer: str) -> float:
    """How many times as many tokens a second as the peer: the median over rounds."""
    return statistics.median(a / b for a, b in zip(laps[ours].rates, laps[peer].rates, strict=True))


def described(laps: dict[str, Laps]) -> str:
    """Thousands of tokens a second, median and each."""
    return "; ".join(f"{name} {found.rate / 1000:.1f}k tokens/s" for name, found in laps.items())


def versions(*packages: str) -> str:
    """Versions of packages in the peers' environment."""
    script = "import importlib.metadata as m, sys; print(', '.join(f'{p} {m.version(p)}' for p in sys.argv[1:]))"
    told = subprocess.run([str(PEERS), "-c", script, *packages], check=True, capture_output=True, text=True)
    return told.stdout.strip()
