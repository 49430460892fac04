"""One tokenizer child and its pipe: start it, ask it with a deadline, end it."""

import json
import os
import select
import subprocess
import sys
import time
from typing import Any

from django.conf import settings

from playground.domain.errors import BadInput, VitrineError

PATIENCE = 15.0
"""Seconds for one request: more than the processor seconds that the child may use."""
COMMAND = [sys.executable, "-m", "workers.tokenize"]
KEPT_VARIABLES = ("PATH", "HOME", "LANG", "TMPDIR")
MAX_ANSWER = 256 << 20


class Gone(Exception):
    """The child has ended, or had to be ended: `late` says which."""

    def __init__(self, *, late: bool) -> None:
        super().__init__("the tokenizer child is gone")
        self.late = late


class Child:
    """A running child. Not safe for two threads at once: the pool lends it to one."""

    def __init__(self) -> None:
        environment = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        environment |= {"TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            COMMAND,
            cwd=settings.BASE_DIR,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
        )
        self.used_at = time.monotonic()

    @property
    def alive(self) -> bool:
        """Whether it can still be asked."""
        return self._process.poll() is None

    def ask(self, request: dict[str, Any]) -> bytes:
        """The body of its answer. Raises the refusal that it names, or Gone."""
        deadline = time.monotonic() + PATIENCE
        content = json.dumps(request).encode()
        self._write(len(content).to_bytes(4, "little") + content, deadline)
        header = json.loads(self._frame(deadline))
        body = self._frame(deadline)
        self.used_at = time.monotonic()
        if not header["ok"]:
            raise _refusal(header["error"])
        return body

    def end(self) -> None:
        """Kill it and take its pipes back."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait()

    def _write(self, content: bytes, deadline: float) -> None:
        target = self._process.stdin
        if target is None:
            raise Gone(late=False)
        left = memoryview(content)
        while left:
            if not select.select([], [target], [], max(0.0, deadline - time.monotonic()))[1]:
                raise Gone(late=True)
            try:
                left = left[os.write(target.fileno(), left[: 1 << 15]) :]
            except BrokenPipeError:
                raise Gone(late=False) from None

    def _frame(self, deadline: float) -> bytes:
        length = int.from_bytes(self._read(4, deadline), "little")
        if length > MAX_ANSWER:
            raise Gone(late=False)
        return self._read(length, deadline)

    def _read(self, length: int, deadline: float) -> bytes:
        source = self._process.stdout
        if source is None:
            raise Gone(late=False)
        parts: list[bytes] = []
        while length:
            if not select.select([source], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise Gone(late=True)
            part = os.read(source.fileno(), min(length, 1 << 20))
            if not part:
                raise Gone(late=False)
            parts.append(part)
            length -= len(part)
        return b"".join(parts)


def _refusal(told: dict[str, Any]) -> VitrineError:
    message, code = str(told["message"]), str(told["code"])
    if told["status"] == BadInput.status:
        return BadInput(message, told["fields"], code=code)
    error = VitrineError(message, code=code)
    error.status = int(told["status"])
    return error
