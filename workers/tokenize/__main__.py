"""`python -m workers.tokenize`: requests come in on standard input, answers go out on standard output.

A frame is its length (4 bytes, little-endian) and that many bytes. A request is one frame of JSON. An answer is two: a
header in JSON, `{"ok": true}` or the refusal, and a body, the result as JSON.
"""

import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any, BinaryIO

from playground.domain.errors import BadInput, VitrineError
from workers.launch import NICENESS, OOM_SCORE, Limits, restrict
from workers.tokenize.verbs import answer

MEMORY = 1 << 30
"""Bytes of address space on top of the interpreter: the largest tokenizers take 400 MB to open."""
CPU_SECONDS = 10
"""For one request, opening included."""
MAX_REQUEST = 16 << 20


def main() -> None:
    """Serve until standard input ends."""
    incoming = sys.stdin.buffer
    outgoing = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not look like an answer
    shut_in(outgoing.fileno())
    restrict(Limits(address_space=MEMORY, file=0, open_files=64))
    while (request := read(incoming)) is not None:
        # The soft limit moves on with every request; what it kills is one that took too long.
        used = resource.getrusage(resource.RUSAGE_SELF)
        budget = int(used.ru_utime + used.ru_stime) + CPU_SECONDS + 1
        resource.setrlimit(resource.RLIMIT_CPU, (budget, resource.getrlimit(resource.RLIMIT_CPU)[1]))
        header, body = serve(request)
        write(outgoing, json.dumps(header).encode())
        write(outgoing, body)
        outgoing.flush()


def shut_in(keep: int) -> None:
    """Close every descriptor but the standard ones and `keep`; stand back behind the web process.

    It does not ask the kernel to end with its parent, as other children do: that would be the end of the parent's
    thread, of which every request has its own. The end of standard input is what ends it.
    """
    os.closerange(3, keep)
    os.closerange(keep + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    os.nice(NICENESS)
    if sys.platform == "linux":
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE))


def serve(request: bytes) -> tuple[dict[str, Any], bytes]:
    """One answer. Refusals are answers; so is a panic of a Rust library, which is no `Exception`."""
    try:
        return {"ok": True}, answer(json.loads(request))
    except VitrineError as error:
        fields = error.fields if isinstance(error, BadInput) else {}
        refusal = {"code": error.code, "status": error.status, "message": error.message, "fields": fields}
    except MemoryError:
        refusal = _failure("It needs more memory than a tokenizer may take.")
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        refusal = _failure(f"The tokenizers library comes to grief on it: {str(error)[:200]}")
    return {"ok": False, "error": refusal}, b""


def _failure(message: str) -> dict[str, Any]:
    return {"code": "bad_file", "status": BadInput.status, "message": message, "fields": {}}


def read(source: BinaryIO) -> bytes | None:
    """The next frame, or None at the end."""
    head = source.read(4)
    if len(head) < 4:
        return None
    length = int.from_bytes(head, "little")
    if length > MAX_REQUEST:
        raise SystemExit(2)
    return source.read(length)


def write(target: BinaryIO, content: bytes) -> None:
    """Write a frame."""
    target.write(len(content).to_bytes(4, "little"))
    target.write(content)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the supervisor, which ends this by closing the pipe
    main()
