"""A run whose every process leaves behind, in the job's folder, the hash of the weights with which it ended."""

import hashlib
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

from playground.domain.messages import Start, parse_down
from workers.engine.distributed import muster
from workers.engine.process import tune
from workers.engine.run import Run
from workers.engine.train import train


def main(conn: "Connection[Any, Any]") -> None:
    """Train, write the hash, and wait for the others before leaving."""
    start = parse_down(conn.recv_bytes())
    assert isinstance(start, Start)
    crew = muster(start)
    tune(start.threads)
    port = crew.port(conn, start)
    crew.connect(start)
    run = Run(start, port, crew)
    train(run)
    digest = hashlib.sha256()
    for name, weight in sorted(run.learner.weights().items()):
        digest.update(name.encode() + weight.numpy().tobytes())
    (Path(start.folder) / f"rank-{crew.rank}").write_text(digest.hexdigest())
    crew.sum(torch.zeros(0), 0.0)
