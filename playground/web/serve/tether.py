"""Ties a process to the supervisor, then becomes it: `python tether.py SUPERVISOR_PID COMMAND...`.

The kernel kills a process so tied the moment the supervisor is gone, however that ended, so that
even `kill -9` leaves nothing behind. This is a program of its own, run with the bare interpreter,
because doing it between fork and exec of a threaded process is not safe.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(supervisor: int, command: list[str]) -> None:
    """Ask for SIGKILL at the supervisor's death and replace this program by the command."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != supervisor:
        # It died before the call above: nobody is left to be told.
        sys.exit(1)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
