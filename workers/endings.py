"""How a child that said no last word ended, in words and in what follows from it."""

import signal
from pathlib import Path


def describe(code: int | None) -> str:
    """Say how a process with this exit code ended."""
    if code is None:
        return "The engine process could not be ended."
    if code >= 0:
        return f"The engine process ended with exit code {code} and said no last word."
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"The engine process was ended by {name}."


def kernel_kills() -> int:
    """How many processes the kernel has ended for want of memory since it started; 0 where it does not say."""
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def starved(code: int | None, kills_before: int) -> bool:
    """Whether the kernel ended the child because memory ran out: it was killed, and the kernel did kill."""
    return code == -signal.SIGKILL and kernel_kills() > kills_before
