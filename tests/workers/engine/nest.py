"""A small fork server for tests: loads the engine once, then forks a child for every connection.

`python -m tests.workers.engine.nest SOCKET` tells each caller the child's process id, and the caller then talks to the
child's `main` alone. The first message says which `main`: that of the training child or of the inspect child.
"""

import json
import os
import signal
import sys
from multiprocessing.connection import Listener

import workers.engine.preload
from tests.workers.engine import crew
from workers.engine import child, inspect

MAINS = {"child": child.main, "inspect": inspect.main, "crew": crew.main}


def main(address: str) -> None:
    """Serve until killed."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with Listener(address, "AF_UNIX") as listener:
        print(len(workers.engine.preload.LOADED), flush=True)
        while True:
            conn = listener.accept()
            pid = os.fork()
            if not pid:
                os.setsid()
                MAINS[conn.recv_bytes().decode()](conn)
                os._exit(0)
            conn.send_bytes(json.dumps({"pid": pid}).encode())
            conn.close()


if __name__ == "__main__":
    main(sys.argv[1])
