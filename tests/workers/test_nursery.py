"""How children are shut in, and that none outlives its worker: with real processes, seen through /proc."""

import json
import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.workers.conftest import HONEST, ROOT, wait_for
from workers.launch import Limits
from workers.nursery import Child, child_environment

SHELL = "tests.workers.shell_engine"
SECRETS = {"SECRET_KEY": "hush", "DATABASE_URL": "", "AWS_SECRET_ACCESS_KEY": "hush", "HF_TOKEN": "hush"}
WORKER = """
import os, sys, time
from workers.launch import Limits
from workers.nursery import Child, open_nursery, reduce_environment, set_preload
set_preload(["tests.workers.honest_engine"])
open_nursery(1)
assert os.environ["SECRET_KEY"] == "hush"
reduce_environment(1)
child = Child({module!r}, Limits(), "child")
print(child.pid, flush=True)
print(child.receive(60).decode(), flush=True)
time.sleep(3600)
"""


@pytest.fixture
def worker() -> Iterator["subprocess.Popen[str]"]:
    """A process with secrets in its environment that has one child; it prints the child's number and first message."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER.format(module=SHELL)],
        cwd=ROOT,
        env={**os.environ, **SECRETS},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    yield process
    with process:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def said(process: "subprocess.Popen[str]") -> str:
    """The next line of the process."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_child_knows_no_secret_and_holds_nothing_but_its_pipe(worker: "subprocess.Popen[str]") -> None:
    pid = int(said(worker))
    told = json.loads(said(worker))
    environ = Path(f"/proc/{pid}/environ").read_bytes()
    assert b"hush" not in environ
    assert "hush" not in told["environ"]
    assert {name for name in told["variables"] if name in SECRETS} == set()
    assert "HF_HUB_OFFLINE" in told["variables"]
    # The standard three, the pipe, and the folder that was being listed.
    assert len(set(told["descriptors"]) - {0, 1, 2, told["pipe"]}) <= 1
    assert told["leads_its_group"]
    assert told["nice"] >= 5
    assert told["core"] == 0
    assert told["modules"] == []


def test_a_child_dies_with_its_worker_however_that_ends(worker: "subprocess.Popen[str]") -> None:
    child = psutil.Process(int(said(worker)))
    said(worker)
    family = [child, *psutil.Process(worker.pid).children(recursive=True)]
    assert child.parent() in family
    worker.kill()
    psutil.wait_procs(family, timeout=10)
    assert [process for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE] == []


def test_the_environment_of_children() -> None:
    seen = child_environment({"PATH": "/bin", "HOME": "/h", "REDIS_URL": "redis://:pw@h", "OMP_NUM_THREADS": "9"}, 2)
    assert seen["PATH"] == "/bin"
    assert seen["OMP_NUM_THREADS"] == "2"
    assert "REDIS_URL" not in seen


def test_limits_are_taken_on() -> None:
    child = Child(SHELL, Limits(address_space=1 << 30), "limited")
    told = json.loads(child.receive(30) or b"{}")
    assert 1 << 30 < told["address_space"] < 1 << 36
    child.end()
    child.close()


def test_a_child_that_cannot_be_started_says_so_by_its_end(capfd: pytest.CaptureFixture[str]) -> None:
    child = Child("tests.workers.no_such_engine", Limits(), "missing")
    assert child.receive(30) is None
    assert child.end(grace=5) == 1
    child.close()


def test_a_message_to_a_dead_child_is_no_error() -> None:
    child = Child(SHELL, Limits(), "dead")
    child.receive(30)
    child.signal(signal.SIGKILL)
    assert child.end(grace=5) == -signal.SIGKILL
    child.send_raw(b"{}")
    child.close()


def test_a_child_stopped_in_the_middle_of_a_message_blocks_no_one() -> None:
    child = Child(HONEST, Limits(), "frozen")
    child.signal(signal.SIGSTOP)
    began = time.monotonic()
    with pytest.raises(queue.Empty):
        child.receive(0.1)
    assert child.end() == -signal.SIGKILL
    child.close()
    assert time.monotonic() - began < 30


def test_no_worker_module_loads_the_engine() -> None:
    code = """
import os, sys, django
os.environ["DJANGO_SETTINGS_MODULE"] = "playground.settings"
django.setup()
import workers.serve, workers.tasks, workers.supervisor, workers.inspection, workers.speed
heavy = ("torch", "transformers", "safetensors", "peft", "workers.engine")
print([name for name in heavy if name in sys.modules])
"""
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_dead_fork_server_is_replaced() -> None:
    first = Child(SHELL, Limits(), "first")
    first.receive(30)
    server = psutil.Process(first.pid).parent()
    assert server is not None
    server.kill()
    wait_for(lambda: first.exit_code is not None, 10)
    first.end()
    first.close()
    second = Child(SHELL, Limits(), "second")
    assert second.receive(30) is not None
    second.end()
    second.close()
