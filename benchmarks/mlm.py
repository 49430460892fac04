"""Masked language models: our engine and Hugging Face's Trainer with its collator on the same text in turns."""

import tempfile
from pathlib import Path

from benchmarks.clm import ANY_ID, BATCH, CHARACTERS, SHAPES, VOCABULARY
from benchmarks.duel import THREADS, Contestant, Laps, duel
from benchmarks.tokens import text
from playground.domain.presets import feed_forward

OURS, PLAIN, MIXED = "ours", "Trainer", "Trainer bf16"


def measure(shape: str = "A", rounds: int = 5) -> dict[str, Laps]:
    """A BERT of one of the shapes."""
    layers, width, heads, block = SHAPES[shape]
    with tempfile.TemporaryDirectory() as folder:
        corpus, tokens = Path(folder) / "text.txt", Path(folder) / "tokens.npy"
        tokenizer = Path(folder) / "tokenizer.json"
        corpus.write_text(text(CHARACTERS), encoding="utf-8")
        shared = {"threads": THREADS, "tokens": str(tokens), "tokenizer": str(tokenizer)}
        params = {"corpus": ANY_ID, "preset": None, "vocab_size": VOCABULARY, "n_layer": layers, "d_model": width}
        params |= {"n_head": heads, "block_size": block, "batch_size": BATCH}
        ours = {**shared, "kind": "mlm", "params": params, "inputs": {"corpus": str(corpus)}}
        peer = {**shared, "architecture": "bert", "layers": layers, "width": width, "heads": heads, "block": block}
        peer |= {"vocabulary": VOCABULARY, "batch": BATCH, "compile": False, "inner": feed_forward("bert", width)}
        contestants = [
            Contestant(OURS, "benchmarks.ours", ours),
            Contestant(PLAIN, "benchmarks.peers.trainer", {**peer, "bf16": False}),
            Contestant(MIXED, "benchmarks.peers.trainer", {**peer, "bf16": True}),
        ]
        return duel(contestants, rounds)
