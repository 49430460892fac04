"""The main function of an engine child: one order in, one run, one last word.

Whatever happens in between, a panic in a Rust library included, ends in a message that says what it was; only a
killed process is silent. The last word is `Finished` or `Failed`, after which nothing follows.
"""

import errno
import traceback
from multiprocessing.connection import Connection
from typing import Any

import torch
from pydantic import ValidationError

from playground.domain.errors import VitrineError
from playground.domain.job import Failure
from playground.domain.messages import MAX_MESSAGE_BYTES, Failed, Finished, Start, parse_down
from playground.domain.registry import kinds
from workers.engine import vocabulary
from workers.engine.distributed import Crew, Parted, muster, wait_for_the_end
from workers.engine.objectives import NotFinite
from workers.engine.port import OUTCOMES, Interrupted, Port, Wish
from workers.engine.process import tune
from workers.engine.rescue import rescue
from workers.engine.run import Run
from workers.engine.train import train

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def main(conn: "Connection[Any, Any]") -> None:
    """Read a Start message from the connection, run it, and say how it ended."""
    start = parse_down(conn.recv_bytes(MAX_MESSAGE_BYTES))
    if not isinstance(start, Start):
        raise TypeError("The first message must be a start.")
    crew = muster(start)
    tune(start.threads)
    port = crew.port(conn, start)
    try:
        port.send(Finished(outcome=OUTCOMES[work(start, port, crew)]))
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except Parted:
        wait_for_the_end()
    except BaseException as error:  # a Rust panic is no Exception
        last = describe(error)
        if last.failure is Failure.INTERNAL:
            # A defect of ours: for whoever runs the site, in the worker's own log.
            traceback.print_exception(error)
        port.send(last)


def work(start: Start, port: Port, crew: Crew) -> Wish | None:
    """Carry out a run. Returns the wish that ended it early, or None when it came to its end."""
    if kinds()[start.kind].work == "vocabulary":
        return vocabulary.work(start, port)
    return training(start, port, crew)


def training(start: Start, port: Port, crew: Crew) -> Wish | None:
    """The training loop, from preparing the text to handing over the model, which the first of a crew does."""
    crew.connect(start)
    try:
        run = Run(start, port, crew)
    except Interrupted as interrupted:
        return interrupted.wish
    try:
        wish = train(run)
    except NotFinite as ended:
        if crew.first:
            rescue(run, ended)
        raise
    if not crew.first:
        return wish
    if wish in ("pause", "preempt") and run.progress.step:
        run.save()
    elif wish == "stop" and run.progress.step:
        run.publish()
    elif run.progress.step:
        run.finish()
    return wish


def describe(error: BaseException) -> Failed:
    """An exception as the last word of a run: its class, and a sentence for the person who started it."""
    text = str(error) or type(error).__name__
    match error:
        case NotFinite():
            return Failed(failure=Failure.NAN_LOSS, message=error.message, step=error.step)
        case VitrineError():
            return Failed(failure=Failure.BAD_INPUT, message=error.message)
        case ValidationError():
            return Failed(failure=Failure.BAD_INPUT, message=f"The parameters of the run are not valid: {text}")
    if (isinstance(error, OSError) and error.errno in FULL) or any(f"(os error {number})" in text for number in FULL):
        return Failed(failure="disk_full", message="The disk is full.")
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in text:
        return Failed(
            failure=Failure.OUT_OF_MEMORY, message="Memory ran out. A smaller batch, block or model needs less."
        )
    if type(error).__name__ == "PanicException":
        return Failed(
            failure=Failure.BAD_INPUT, message=f"The tokenizer library gave up on this tokenizer or text: {text}"
        )
    return Failed(failure=Failure.INTERNAL, message=f"Something in Vitrine itself broke: {type(error).__name__}.")
