"""What the owner of a run wants is heard also while its network is compiled, when the loop does not ask.

Compiling takes most of a minute, and torch cannot be broken off in it. So a thread beside it listens: a wish ends the
process there and then, with its last word. Nothing is lost by it, as no step was taken since the last state. The same
thread ends a compiler that hangs, which is to torch a compiler that fails.
"""

import contextlib
import os
import threading
import time
import traceback
from collections.abc import Iterator
from typing import TYPE_CHECKING

import psutil

from playground.domain.messages import Finished
from workers.engine.port import OUTCOMES, Wish

if TYPE_CHECKING:
    from torch import Tensor

    from workers.engine.run import Run

PERIOD = 0.3
"""Seconds between two looks."""
COMPILER_SECONDS = 300.0
"""What a compiler may take for one file: a slow machine needs a tenth of it for the largest."""


@contextlib.contextmanager
def listening(run: "Run") -> Iterator[None]:
    """Around what takes long before the first step and does not ask the port itself."""
    stands = run.learner.weights() if run.progress.step else {}
    over = threading.Event()
    thread = threading.Thread(target=_listen, args=(run, stands, over), name="listening", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _listen(run: "Run", stands: "dict[str, Tensor]", over: threading.Event) -> None:
    while not over.wait(PERIOD):
        wish = run.port.wish()
        if wish is not None:
            _leave(run, stands, wish)
        end_compilers(COMPILER_SECONDS, run.crew.pids)


def _leave(run: "Run", stands: "dict[str, Tensor]", wish: Wish) -> None:
    """End the run as its loop would before its next step; the weights are those from before compiling began."""
    code = 1
    try:
        if wish == "stop" and stands:
            run.publish(stands)
        run.port.send(Finished(outcome=OUTCOMES[wish]))
        code = 0
    except Exception:  # of this thread nobody would hear
        traceback.print_exc()
    finally:
        end_compilers(0.0, run.crew.pids)
        os._exit(code)


def end_compilers(age: float, spare: frozenset[int]) -> None:
    """End the processes below this one that are so many seconds old, except the run's own on other devices."""
    now = time.time()
    with contextlib.suppress(psutil.Error):
        for process in psutil.Process().children(recursive=True):
            if process.pid not in spare and now - process.create_time() >= age:
                with contextlib.suppress(psutil.Error):
                    process.kill()
