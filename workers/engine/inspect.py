"""The main function of an inspect child: it keeps models warm and answers one request after the other.

A request is {"id", "verb", "model": {"sha256", "path"} or null, "params"}; the answer is any number of data frames and
one end or error frame, each with the request's id. {"cancel": id} ends an answer early. Models are opened read-only.
"""

import json
import os
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from playground.domain.errors import BadInput, TooLarge, VitrineError
from playground.domain.messages import MAX_MESSAGE_BYTES
from workers.engine.process import tune
from workers.engine.verbs import VERBS, Model, Shelf

Frame = dict[str, Any]


class Request(BaseModel):
    """A request as it arrives; `params` are checked by the verb."""

    model_config = ConfigDict(extra="forbid")

    id: str
    verb: str
    model: Model | None = None
    params: dict[str, Any] = {}


class Line:
    """The connection, with what has arrived on it while an answer was being given."""

    def __init__(self, conn: "Connection[Any, Any]") -> None:
        self._conn = conn
        self._waiting: list[Frame] = []

    def next(self) -> Frame:
        """The next message, waiting for it. Raises EOFError when nobody is there any more."""
        if self._waiting:
            return self._waiting.pop(0)
        return self._read()

    def cancelled(self, request: str) -> bool:
        """Whether the reader of an answer has gone away; other messages are kept for later."""
        while self._conn.poll():
            message = self._read()
            if message.get("cancel") == request:
                return True
            self._waiting.append(message)
        return False

    def send(self, request: str, frame: Frame) -> None:
        """Send one frame of an answer. Raises TooLarge when it does not fit a message."""
        raw = json.dumps({"id": request, **frame}, allow_nan=False).encode()
        if len(raw) > MAX_MESSAGE_BYTES:
            raise TooLarge("The answer is too large to be shown; a shorter text gives a smaller one.")
        self._conn.send_bytes(raw)

    def _read(self) -> Frame:
        message: Frame = json.loads(self._conn.recv_bytes(MAX_MESSAGE_BYTES))
        return message


def main(conn: "Connection[Any, Any]") -> None:
    """Answer requests until the other end of the connection is closed."""
    tune(int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1))
    line, shelf = Line(conn), Shelf()
    try:
        while True:
            message = line.next()
            if "cancel" not in message:
                answer(line, shelf, Request.model_validate(message))
    except (EOFError, ConnectionResetError, BrokenPipeError):
        return


def answer(line: Line, shelf: Shelf, request: Request) -> None:
    """Answer one request to its end, whatever happens on the way."""
    try:
        verb: Callable[[Shelf, Model | None, dict[str, Any]], Iterator[Frame]] | None = VERBS.get(request.verb)
        if verb is None:
            raise BadInput(f"There is no request named {request.verb}.")
        for data in verb(shelf, request.model, request.params):
            if line.cancelled(request.id):
                break
            line.send(request.id, {"type": "data", "data": data})
        line.send(request.id, {"type": "end"})
    except (EOFError, ConnectionResetError, BrokenPipeError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of a Rust library is no Exception
        line.send(request.id, {"type": "error", **describe(error)})


def describe(error: BaseException) -> Frame:
    """An exception as the fields of an error frame."""
    if isinstance(error, VitrineError):
        fields = {"fields": error.fields} if isinstance(error, BadInput) and error.fields else {}
        return {"code": error.code, "message": error.message, "status": error.status, **fields}
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return {"code": "bad_input", "message": f"{where}: {first['msg']}", "status": 422}
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        return {"code": "out_of_memory", "message": "Memory ran out while the model was open.", "status": 503}
    traceback.print_exception(error)
    return {"code": "internal", "message": "Something went wrong while the model was open.", "status": 500}
