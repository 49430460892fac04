"""Causal language models: our engine, Hugging Face's Trainer and nanoGPT's recipe on the same text in turns.

`python -m benchmarks.clm A gpt2` measures one shape and architecture alone; with a third word, `compile`, all compile.
"""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from benchmarks.duel import THREADS, Contestant, Laps, described, duel
from benchmarks.tokens import text
from playground.domain.presets import Architecture, feed_forward

BATCH, VOCABULARY, CHARACTERS = 16, 4096, 1_100_000
ANY_ID = "00000000-0000-4000-8000-000000000000"
SHAPES = {"A": (4, 128, 4, 128), "B": (6, 256, 8, 256)}
"""Layers, width, heads, block."""


@dataclass(frozen=True)
class Found:
    """The laps of one shape, by contestant: "ours", "Trainer", "Trainer bf16", "Trainer default",
    "nanoGPT".
    """

    shape: str
    architecture: str
    laps: dict[str, Laps]

    def __str__(self) -> str:
        return f"{self.architecture} {self.shape}: {described(self.laps)}"


def measure(shape: str, architecture: Architecture, *, compiled: bool = False) -> Found:
    """One shape, all contestants in turns: none of them compiled, or all, and then Trainer also as it comes."""
    layers, width, heads, block = SHAPES[shape]
    with tempfile.TemporaryDirectory() as folder:
        corpus, tokens = Path(folder) / "text.txt", Path(folder) / "tokens.npy"
        corpus.write_text(text(CHARACTERS), encoding="utf-8")
        shared = {"threads": THREADS, "tokens": str(tokens)}
        params = {"corpus": ANY_ID, "architecture": architecture, "preset": None, "vocab_size": VOCABULARY}
        params |= {"n_layer": layers, "d_model": width, "n_head": heads, "block_size": block, "batch_size": BATCH}
        params |= {"compile": "on" if compiled else "off"}
        ours = {**shared, "kind": "clm", "inputs": {"corpus": str(corpus)}}
        peer: dict[str, Any] = {**shared, "architecture": architecture, "layers": layers, "width": width}
        peer |= {"heads": heads, "block": block, "vocabulary": VOCABULARY, "batch": BATCH, "compile": compiled}
        peer |= {"inner": feed_forward(architecture, width)}
        contestants = [
            Contestant("ours", "benchmarks.ours", {**ours, "params": params}),
            Contestant("Trainer", "benchmarks.peers.trainer", {**peer, "bf16": False}),
            Contestant("Trainer bf16", "benchmarks.peers.trainer", {**peer, "bf16": True}),
        ]
        if compiled:
            default = {**peer, "bf16": False, "compile": False}
            contestants.append(Contestant("Trainer default", "benchmarks.peers.trainer", default))
        if architecture == "gpt2":
            contestants.append(Contestant("nanoGPT", "benchmarks.peers.nanogpt", peer))
        return Found(shape, architecture, duel(contestants))


if __name__ == "__main__":
    shape, architecture = sys.argv[1], cast(Architecture, sys.argv[2])
    print(measure(shape, architecture, compiled="compile" in sys.argv[3:]))
