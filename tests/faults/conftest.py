"""One installation for all faults, and one undisturbed run to compare with."""

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pytest_django import DjangoDbBlocker

from playground.domain.job import TERMINAL
from playground.ledger.invariants import check
from playground.ledger.models import Event, Job
from playground.library import store
from tests.faults.stack import Stack, wait_for
from tests.support.database import connected

STEPS = 160
MIDDLE = 40
"""Faults strike once so many steps are stored: well after the first checkpoints, well before the end."""

PARAMS = {
    "preset": "200k",
    "vocab_size": 400,
    "block_size": 32,
    "batch_size": 4,
    "steps": STEPS,
    "eval_interval": 40,
    "eval_batches": 2,
    "sample_interval": 80,
    "checkpoint_interval": 25,
    "seed": 7,
}
COMPARED = ("loss", "val_loss", "perplexity", "bits_per_byte", "learning_rate", "grad_norm", "tokens")

Curve = dict[str, dict[int, str]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests here kill processes and take their time."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.faults)
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[Stack]:
    """The installation, with a token and a database that this process can look into."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    made = Stack(tmp_path_factory.mktemp("home"), port)
    made.start()
    try:
        made.token = made.manage("create_token", "faults")
        with connected(made.home, django_db_blocker):
            yield made
    finally:
        made.stop()


class Runs:
    """Starts the run that all faults strike, and says what came of it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        text = "".join(f"{line * line % 97} the cat and {line % 13} dogs saw the moon.\n" for line in range(6000))
        files = {"file": ("moon.txt", text.encode())}
        self.corpus = stack.api("POST", "corpora", files=files, data={"name": "moon"})["id"]

    def begin(self, **params: Any) -> UUID:
        """Queue the run, with some parameters of its own."""
        body = {"kind": "clm", "params": {"corpus": self.corpus, **PARAMS, **params}}
        return UUID(self.stack.api("POST", "jobs", json=body)["id"])

    def end(self, job: UUID) -> Curve:
        """Wait for the end of the run, check everything that must hold of it, and return its curves."""
        wait_for(lambda: Job.objects.filter(pk=job, status__in=TERMINAL).exists(), 180)
        ended = Job.objects.get(pk=job)
        assert ended.status == "done", (ended.error, self.stack.log())
        assert check(ended) == []
        curve: Curve = {name: {} for name in COMPARED}
        for data in Event.objects.filter(job=job, type="metrics").order_by("seq").values_list("data", flat=True):
            for name in COMPARED:
                add(curve[name], data["step"], data.get(name))
        assert sorted(curve["loss"]) == list(range(1, STEPS + 1))
        assert ended.model is not None
        weights = store.local("model", ended.model.sha256) / "model.safetensors"
        curve["weights"] = {STEPS: hashlib.sha256(weights.read_bytes()).hexdigest()}
        return curve


def add(points: dict[int, str], steps: list[int], values: list[Any] | None) -> None:
    """Add values, to the last bit, to the points of a curve; no step may come twice."""
    for step, value in zip(steps, values or [], strict=False):
        if value is not None:
            assert step not in points
            points[step] = float(value).hex()


@pytest.fixture(scope="session")
def runs(stack: Stack) -> Runs:
    """The corpus is uploaded once."""
    return Runs(stack)


@pytest.fixture(scope="session")
def undisturbed(runs: Runs) -> Curve:
    """What the run gives when nothing happens to it."""
    return runs.end(runs.begin())
