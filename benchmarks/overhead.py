"""What streaming, probes and checkpoints cost together: a run that is watched and one that is not, in turns."""

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.clm import ANY_ID, CHARACTERS
from benchmarks.duel import THREADS, Contestant, duel, ratio
from benchmarks.tokens import text

SENTENCES = ["The king shall have my answer.", "What is thy name?", "I will not go to Rome."]
LAP_SECONDS = 12.0
"""Longer than the ten seconds between two checkpoints."""


def measure(rounds: int = 3) -> float:
    """The share of the watched run's time that goes into being watched."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "text.txt"
        corpus.write_text(text(CHARACTERS), encoding="utf-8")
        shared: dict[str, Any] = {"threads": THREADS, "kind": "clm", "inputs": {"corpus": str(corpus)}}
        alone = {"corpus": ANY_ID}
        watched = {**alone, "probes": SENTENCES, "checkpoint_interval": None}
        contestants = [
            Contestant("watched", "benchmarks.ours", {**shared, "params": watched}),
            Contestant("alone", "benchmarks.ours", {**shared, "params": alone, "silent": True}),
        ]
        laps = duel(contestants, rounds, LAP_SECONDS)
    return 1 - ratio(laps, "watched", "alone")
