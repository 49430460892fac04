"""What the tests of instruction runs share: a tiny base model and a few instructions for it."""

import json
from pathlib import Path
from typing import Any

from playground.domain.messages import InputFile
from tests.workers.engine.attempts import CORPUS_ID, Bench, artifacts
from workers.engine.files import sha256

TUNING: dict[str, Any] = {
    "model": CORPUS_ID,
    "template": "{instruction}\n{output}",
    "block_size": 48,
    "batch_size": 2,
    "learning_rate": 0.02,
    "held_out": 0.2,
    "sample_prompt": "who?",
}
WHO = ["the cat", "the dog", "an old owl", "小猫", "the 🦊"]


def rows(count: int = 40) -> str:
    """Questions of different lengths that have one right answer."""
    asked = ((WHO[i % 5], " really" * (i % 4)) for i in range(count))
    return "".join(
        json.dumps({"instruction": f"who sees {who}{more}?", "input": "", "output": f"{who} sees."}) + "\n"
        for who, more in asked
    )


def tuned(bench: Bench, text: str | None = None, **base: Any) -> Path:
    """Train a base on the bench's text, then make it and a file of instructions the inputs of the job."""
    folder = Path(artifacts(bench.run(**{"block_size": 64, "d_model": 32, "steps": 8, **base}))["model"].path)
    corpus = bench.corpus.with_name("rows.txt")
    corpus.write_text(rows() if text is None else text, encoding="utf-8")
    model = InputFile(path=str(folder), sha256=sha256(folder / "model.safetensors"))
    bench.inputs = {"corpus": bench.file(corpus), "model": model}
    bench.folder = bench.folder.with_name("job-2")
    bench.folder.mkdir()
    return folder
