"""The supervisor's loop: starts the children, prints their lines, restarts and stops them.

One thread starts and ends processes; one thread a child reads what it prints. The queue between
them is bounded, so that a child that prints faster than the terminal takes it is slowed down.
"""

import queue
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from playground.web.serve import orphans
from playground.web.serve.child import Child, Lines
from playground.web.serve.console import Console

TICK = 0.1
GRACE = 7.0
"""Seconds that a child has between SIGTERM and SIGKILL; the whole stop must stay below ten."""
GRACE_LAST = 1.0
"""Seconds for the children that serve the others, stopped after them."""
GRACE_ORPHANS = 0.5
REAP_EVERY = 1.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Supervisor:
    """Keeps children alive in the given folder until a signal asks for the end.

    With `alone` this process has no other children and takes in the orphans below it.
    """

    def __init__(self, console: Console, folder: Path, *, alone: bool = False) -> None:
        self.console = console
        self.folder = folder
        self.children: list[Child] = []
        self.lines: Lines = queue.Queue(maxsize=2000)
        self.asked = 0
        self._alone = alone
        self._reaped = 0.0
        if alone:
            orphans.adopt()

    def listen_for_signals(self) -> None:
        """From here on Ctrl-C and SIGTERM ask for the end instead of raising in the middle of something."""
        for number in SIGNALS:
            signal.signal(number, self._asked)

    def _asked(self, number: int, frame: FrameType | None) -> None:
        self.asked += 1

    @property
    def stopping(self) -> bool:
        """Whether the end was asked for."""
        return self.asked > 0

    def start(self, *children: Child) -> None:
        """Start children and keep them alive from now on."""
        for child in children:
            self.children.append(child)
            child.start(self.lines, self.folder)

    def turn(self) -> None:
        """Print what came within a tick, see who ended, start again who is due."""
        self._print(TICK)
        for child in self.children:
            how = child.ended()
            if how is not None and not self.stopping:
                delay = child.schedule()
                self.console.say(f"{child.name} {how}; starting it again in {delay:g} s")
            if child.due is not None and time.monotonic() >= child.due and not self.stopping:
                child.start(self.lines, self.folder)
        if self._alone and time.monotonic() - self._reaped > REAP_EVERY:
            orphans.reap([child.process.pid for child in self.children if child.process])
            self._reaped = time.monotonic()

    def stop(self) -> None:
        """Stop everything: those started last first get the word, the first child ends last."""
        if not any(child.running for child in self.children):
            return
        self.console.say("Stopping. Press Ctrl-C again to stop at once.")
        first, others = self.children[:1], self.children[1:]
        self._end(others, GRACE)
        self._end(first, GRACE_LAST)
        if self._alone:
            orphans.end(GRACE_ORPHANS)
        self._print(0.0)
        self.console.say("Stopped.")

    def _end(self, children: Sequence[Child], grace: float) -> None:
        """SIGTERM, then SIGKILL after the grace or when asked a second time."""
        for child in children:
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + grace
        while any(child.running for child in children):
            if time.monotonic() > deadline or self.asked > 1:
                for child in children:
                    child.signal(signal.SIGKILL)
            self._print(TICK)
            for child in children:
                child.ended()

    def _print(self, wait: float) -> None:
        """Print the lines that are there; wait for the first one, seconds at most."""
        try:
            self.console.line(*self.lines.get(timeout=wait) if wait else self.lines.get_nowait())
            for _ in range(self.lines.maxsize):
                self.console.line(*self.lines.get_nowait())
        except queue.Empty:
            return
