"""Which process is which, beyond its number: numbers are reused, and mean nothing in another container or after a boot.

With it a worker that starts again on the same machine knows at once that its predecessor is gone, and need not wait for
the leases to run out.
"""

from __future__ import annotations

import os
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
STARTED = 19
"""Index of the start time among the fields of /proc/<pid>/stat that follow the command's name."""


def identity(pid: int | None = None) -> str:
    """Return boot, pid namespace, number and start time of a process as one string; "" where /proc does not tell."""
    number = os.getpid() if pid is None else pid
    try:
        stat = Path(f"/proc/{number}/stat").read_text()
        # The command's name stands in parentheses and may itself contain spaces and parentheses.
        started = stat[stat.rindex(")") + 2 :].split()[STARTED]
        return f"{BOOT_ID.read_text().strip()} {_namespace()} {number} {started}"
    except (OSError, ValueError, IndexError):
        return ""


def is_alive(process: str) -> bool:
    """Tell whether the process that had this identity still runs; True where that cannot be known from here."""
    parts = process.split()
    if len(parts) != 4:
        return True
    boot, namespace, number, _started = parts
    try:
        if namespace != _namespace():
            return True
        if boot != BOOT_ID.read_text().strip():
            return False
    except OSError:
        return True
    return identity(int(number)) == process


def _namespace() -> str:
    return str(Path("/proc/self/ns/pid").readlink())
