"""The first code that runs in a child: it shuts the child in, then hands it its pipe.

A child is forked from a server that has the heavy libraries loaded. Before the engine's code runs, the
child gives up what it inherited (files, process group, priority) and takes limits that the kernel enforces.
"""

import ctypes
import importlib
import os
import resource
import signal
import sys
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

PR_SET_PDEATHSIG = 1
NICENESS = 5
"""Below the web process, so that the pages stay quick while all cores train."""

OOM_SCORE = 600
"""Where memory runs out, the kernel ends the training child before the database or the web process."""

SLACK = 2 << 30
"""Address space granted beyond a memory limit, in bytes: thread stacks and allocator arenas are reserved, not used."""


@dataclass(frozen=True)
class Limits:
    """What the kernel holds a child to, in bytes and CPU seconds; None leaves a limit as it is.

    `address_space` comes on top of what the preloaded libraries have mapped already.
    """

    address_space: int | None = None
    cpu: int | None = None
    file: int = 64 << 30
    open_files: int = 1024


def enter(module: str, connection: "Connection[bytes, bytes]", limits: Limits) -> None:
    """Shut this process in, import `module` and run its `main(connection)`; never returns."""
    code = 1
    try:
        isolate(connection.fileno())
        restrict(limits)
        importlib.import_module(module).main(connection)
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:  # a panic in a Rust extension is no Exception
        traceback.print_exc()
    finally:
        # No finalizers: the descriptors that they would close are gone or belong to others by now.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def isolate(keep: int) -> None:
    """Close all descriptors but the standard ones and `keep`, and tie this process's life to its parent's.

    The inherited descriptors include the pipe whose end of file tells the fork server that its worker is
    gone: while a child held it, the server, and with it the child, would outlive the worker.
    """
    os.closerange(3, keep)
    os.closerange(keep + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    os.setsid()
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE))
    os.nice(NICENESS)


def restrict(limits: Limits) -> None:
    """Take the limits on, for this process and all that it starts."""
    lower(resource.RLIMIT_CORE, 0)  # a core file would hold the corpus, and gigabytes
    lower(resource.RLIMIT_FSIZE, limits.file)
    lower(resource.RLIMIT_NOFILE, limits.open_files)
    if limits.cpu is not None:
        lower(resource.RLIMIT_CPU, limits.cpu)
    if limits.address_space is not None:
        lower(resource.RLIMIT_AS, mapped() + limits.address_space)


def lower(which: int, value: int) -> None:
    """Set a limit, hard and soft, to `value` or to what it already is, whichever is less."""
    hard = resource.getrlimit(which)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (value, value))


def mapped() -> int:
    """Bytes of address space that this process has mapped now, the preloaded libraries included."""
    if sys.platform != "linux":
        return 0
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
