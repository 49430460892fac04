"""Processes whose parent died below the supervisor: taken in, reaped, and ended with it.

A worker that is killed leaves its fork server and its engine children for a moment. As their "subreaper" the
supervisor inherits them instead of the system's first process, so that it knows when nothing is left.
"""

import ctypes
import os
import sys
import time
from collections.abc import Collection

import psutil

PR_SET_CHILD_SUBREAPER = 36
PAUSE = 0.02


def adopt() -> None:
    """Inherit orphans from now on."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap(own: Collection[int]) -> None:
    """Take leave of ended orphans. `own` are the supervisor's children, whose ends somebody else waits for."""
    for process in psutil.Process().children():
        if process.pid not in own:
            try:
                os.waitpid(process.pid, os.WNOHANG)
            except ChildProcessError:
                continue


def end(seconds: float) -> None:
    """Wait so long for the orphans that are leaving by themselves, then kill what is left below this process."""
    deadline = time.monotonic() + seconds
    while processes := psutil.Process().children(recursive=True):
        if time.monotonic() > deadline:
            for process in processes:
                try:
                    process.kill()
                except psutil.NoSuchProcess:
                    continue
        reap(())
        time.sleep(PAUSE)
