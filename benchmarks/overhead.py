"""What streaming, probes and checkpoints cost together: a run that is watched and one that is not, in turns."""

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.clm import ANY_ID, CHARACTERS
from benchmarks.duel import THREADS, Contestant, Process
from benchmarks.tokens import text

SENTENCES = ["The king shall have my answer.", "What is thy name?", "I will not go to Rome."]
STEPS, LAP, WARM = 1000, 50, 3
"""A run of about a minute: many states are saved, and most records lie close together at its beginning."""


def measure() -> float:
    """The share of the watched run's time that goes into being watched, over a whole run of each."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "text.txt"
        corpus.write_text(text(CHARACTERS), encoding="utf-8")
        shared: dict[str, Any] = {"threads": THREADS, "kind": "clm", "inputs": {"corpus": str(corpus)}}
        alone = {"corpus": ANY_ID, "steps": STEPS}
        watched = {**alone, "probes": SENTENCES, "checkpoint_interval": None}
        specs = {
            "watched": {**shared, "params": watched},
            "alone": {**shared, "params": alone, "silent": True},
        }
        processes = {name: Process(Contestant(name, "benchmarks.ours", spec)) for name, spec in specs.items()}
        try:
            return 1 - _ratio(processes)
        finally:
            for process in processes.values():
                process.end()


def _ratio(processes: dict[str, Process]) -> float:
    """Seconds alone over seconds watched. Sums, not medians: what it costs comes in bursts."""
    seconds = dict.fromkeys(processes, 0.0)
    for process in processes.values():
        process.lap(WARM)
    for _ in range((STEPS - WARM - 1) // LAP):
        for name, process in processes.items():
            seconds[name] += process.lap(LAP)["seconds"]
    return seconds["alone"] / seconds["watched"]
