"""Fixtures: the nest, which holds the loaded engine, and a bench with a job on it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.workers.engine.attempts import Bench, story

ROOT = Path(__file__).resolve().parents[3]


@contextmanager
def opened(environment: Mapping[str, str]) -> Iterator[str]:
    """The address of a process that has the engine loaded and forks children, with this environment."""
    with tempfile.TemporaryDirectory(prefix="nest") as folder:
        address = f"{folder}/socket"
        command = [sys.executable, "-m", "tests.workers.engine.nest", address]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline()
        yield address
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def nest() -> Iterator[str]:
    """Such an address, for all tests."""
    with opened(os.environ) as address:
        yield address


@pytest.fixture
def new_bench(nest: str, tmp_path: Path) -> Callable[..., Bench]:
    """Make a home with one job, on a text of one's own or on the story."""
    made: list[Bench] = []

    def make(text: str | None = None) -> Bench:
        made.append(Bench(nest, tmp_path / f"home-{len(made)}", story() if text is None else text))
        return made[-1]

    return make


@pytest.fixture
def bench(new_bench: Callable[..., Bench]) -> Bench:
    """A home with one job on the story."""
    return new_bench()
