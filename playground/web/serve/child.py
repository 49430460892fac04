"""One child process of the supervisor: started, read line by line, restarted, stopped.

Children are started from the supervisor's main thread, because the kernel ties a process to the
thread that made it. Each has its own session, so that the terminal's Ctrl-C reaches the supervisor
alone, which then stops them in order.
"""

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TETHER = Path(__file__).with_name("tether.py")
BACKOFF = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before the first, second, ... restart in a row."""
STEADY = 30.0
"""Seconds after which a child counts as working again: the next failure starts the row anew."""
MAX_LINE = 1 << 16
"""Bytes of one log line; a longer one is printed in pieces instead of being held in memory."""

Lines = queue.Queue[tuple[str, bytes]]


@dataclass
class Child:
    """A command with a name; `due` is the monotonic time of the next start, None while running."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    keep: Sequence[int] = ()
    due: float | None = 0.0
    failures: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    started: float = 0.0

    @property
    def running(self) -> bool:
        """Whether a process was started and its end has not been seen."""
        return self.process is not None

    def start(self, lines: Lines, folder: Path) -> None:
        """Start the command in the folder; what it prints goes to `lines`."""
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(TETHER), str(os.getpid()), *self.command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=folder,
            env=dict(self.environment),
            pass_fds=tuple(self.keep),
        )
        self.due, self.started = None, time.monotonic()
        threading.Thread(target=self._read, args=(self.process, lines), name=f"log of {self.name}", daemon=True).start()

    def _read(self, process: subprocess.Popen[bytes], lines: Lines) -> None:
        if process.stdout is None:
            raise ValueError("the process was started without a pipe")
        with process.stdout:
            while line := process.stdout.readline(MAX_LINE):
                lines.put((self.name, line))

    def ended(self) -> str | None:
        """How the process ended, once; None while it runs. Whatever it left in its group is killed."""
        process = self.process
        if process is None or os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return None
        # The process is not reaped yet, so that its number still names this group and no other.
        self.signal(signal.SIGKILL)
        code = process.wait()
        self.process = None
        return describe(code)

    def schedule(self) -> float:
        """Set the time of the next start by the row of failures; returns the delay in seconds."""
        now = time.monotonic()
        self.failures = 0 if now - self.started > STEADY else self.failures
        delay = BACKOFF[min(self.failures, len(BACKOFF) - 1)]
        self.failures += 1
        self.due = now + delay
        return delay

    def signal(self, number: signal.Signals) -> None:
        """Send a signal: SIGKILL to the whole group, any other to the process, which tells its own."""
        if self.process is None:
            return
        try:
            if number == signal.SIGKILL:
                os.killpg(self.process.pid, number)
            else:
                os.kill(self.process.pid, number)
        except (ProcessLookupError, PermissionError):
            # Already gone, or only a zombie is left of the group.
            return


def describe(code: int) -> str:
    """A return code in words: the signal's name, or the exit code."""
    if code >= 0:
        return f"ended with exit code {code}"
    name = signal.Signals(-code).name
    hint = " (by hand, or by the system for lack of memory)" if -code == signal.SIGKILL else ""
    return f"was killed by {name}{hint}"
