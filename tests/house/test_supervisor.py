"""The supervisor with small real processes: lines, restarts with backoff, an orderly end, and the tether."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import psutil
import pytest

from playground.web.serve.child import BACKOFF, Child, describe
from playground.web.serve.console import Console, printable
from playground.web.serve.supervisor import SIGNALS, Supervisor

PYTHON = [sys.executable, "-I", "-S", "-u", "-c"]
PATIENCE = 20.0


class Bench:
    """A supervisor whose terminal is a string."""

    def __init__(self, folder: Path) -> None:
        self.output = StringIO()
        self.supervisor = Supervisor(Console(folder / "logs", ["one", "two"], self.output), folder)

    def child(self, name: str, code: str) -> Child:
        return Child(name, [*PYTHON, code], os.environ)

    def turn_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, self.text
            self.supervisor.turn()

    @property
    def text(self) -> str:
        return self.output.getvalue()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_lines_carry_the_name_of_their_process(bench: Bench, tmp_path: Path) -> None:
    bench.supervisor.start(bench.child("one", "print('h\\u00e9llo'); import time; time.sleep(60)"))
    bench.turn_until(lambda: "one" in bench.text)
    bench.supervisor.stop()
    assert "one     | h\u00e9llo" in bench.text
    assert "one | h\u00e9llo" in (tmp_path / "logs" / "vitrine.log").read_text()


def test_a_child_that_ends_is_started_again_and_the_log_says_why(bench: Bench) -> None:
    bench.supervisor.start(bench.child("one", "import sys; print('up'); sys.exit(3)"))
    bench.turn_until(lambda: bench.text.count("| up") >= 3)
    bench.supervisor.stop()
    assert "one ended with exit code 3; starting it again in 0.2 s" in bench.text
    assert "starting it again in 0.5 s" in bench.text


def test_a_killed_child_is_started_again(bench: Bench) -> None:
    child = bench.child("one", "print('up'); import time; time.sleep(60)")
    bench.supervisor.start(child)
    bench.turn_until(lambda: "| up" in bench.text)
    child.signal(signal.SIGKILL)
    bench.turn_until(lambda: bench.text.count("| up") == 2)
    bench.supervisor.stop()
    assert "one was killed by SIGKILL" in bench.text


def test_waits_grow_and_begin_anew_after_steady_work(bench: Bench) -> None:
    child = bench.child("one", "")
    child.started = time.monotonic()
    assert [child.schedule() for _ in range(9)] == [*BACKOFF, BACKOFF[-1], BACKOFF[-1]]
    child.started = time.monotonic() - 3600
    assert child.schedule() == BACKOFF[0]


def test_a_child_that_ignores_the_word_is_killed_when_asked_twice(bench: Bench) -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up'); time.sleep(60)"
    bench.supervisor.start(bench.child("one", ""), bench.child("two", deaf))
    bench.turn_until(lambda: "| up" in bench.text)
    bench.supervisor.asked = 2
    bench.supervisor.stop()
    assert not any(child.running for child in bench.supervisor.children)


def test_what_a_child_started_in_its_group_ends_with_it(bench: Bench) -> None:
    code = (
        "import subprocess, sys, time\n"
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid)\n"
        "time.sleep(60)"
    )
    child = bench.child("one", code)
    bench.supervisor.start(child)
    bench.turn_until(lambda: "one     | " in bench.text)
    grandchild = int(bench.text.split("| ")[1].split()[0])
    assert child.process is not None
    os.kill(child.process.pid, signal.SIGKILL)
    bench.turn_until(lambda: not _alive(grandchild))
    bench.supervisor.stop()


def test_the_kernel_ends_the_children_of_a_killed_supervisor(tmp_path: Path) -> None:
    code = f"""
import os, sys, time
sys.path.insert(0, {str(Path.cwd())!r})
from pathlib import Path
from queue import Queue
from playground.web.serve.child import Child
child = Child("one", [sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"], os.environ)
child.start(Queue(), Path("."))
print(child.process.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=tmp_path, text=True) as supervisor:
        assert supervisor.stdout is not None
        pid = int(supervisor.stdout.readline())
        assert psutil.pid_exists(pid)
        supervisor.kill()
        supervisor.wait()
    deadline = time.monotonic() + PATIENCE
    while _alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_every_signal_that_means_the_end_is_heard(bench: Bench, number: signal.Signals) -> None:
    before = {heard: signal.getsignal(heard) for heard in SIGNALS}
    try:
        bench.supervisor.listen_for_signals()
        os.kill(os.getpid(), number)
        bench.turn_until(lambda: bench.supervisor.stopping)
    finally:
        for heard, handler in before.items():
            signal.signal(heard, handler)


def test_control_characters_cannot_drive_the_terminal() -> None:
    assert printable("a\x1b[2Jb\tc\x07\x9b") == "a\\x1b[2Jb\tc\\x07\\x9b"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "ended with exit code 0"),
        (1, "ended with exit code 1"),
        (-15, "was killed by SIGTERM"),
        (-9, "was killed by SIGKILL (by hand, or by the system for lack of memory)"),
        (-11, "was killed by SIGSEGV"),
    ],
)
def test_ends_are_told_in_words(code: int, words: str) -> None:
    assert describe(code) == words


def _alive(pid: int) -> bool:
    """Whether the process runs; a zombie that nobody has reaped yet does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_an_orphan_is_taken_in_and_ended(tmp_path: Path) -> None:
    """A process that left its group, as engine children do, and whose parent is gone."""
    code = f"""
import subprocess, sys, time
sys.path.insert(0, {str(Path.cwd())!r})
from pathlib import Path
from queue import Queue
from playground.web.serve import orphans
orphans.adopt()
sleeper = "[sys.executable, '-c', 'import time; time.sleep(60)']"
code = f"import subprocess, sys; print(subprocess.Popen({{sleeper}}, start_new_session=True, stdout=-3, stderr=-3).pid)"
child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
print(child.stdout.strip(), flush=True)
orphans.end(0.1)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert not psutil.pid_exists(int(found.stdout))
