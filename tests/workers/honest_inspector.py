"""A tiny inspector that speaks the real protocol: it counts for people, and comes to grief when asked to."""

import json
import os
import resource
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.workers.honest_engine import DEATHS


def main(conn: "Connection[bytes, bytes]") -> None:
    """Answer requests until the pipe ends."""
    while True:
        request = json.loads(conn.recv_bytes())
        if "cancel" not in request:
            answer(conn, request)


def answer(conn: "Connection[bytes, bytes]", request: dict[str, Any]) -> None:
    """Send as many frames as are wanted, each telling which process this is."""
    params = request["params"]

    def send(frame: dict[str, Any]) -> None:
        conn.send_bytes(json.dumps({"id": request["id"], **frame}).encode())

    frames = params.get("frames", 1)
    if "folder" in params:
        (Path(params["folder"]) / "model.gguf").write_bytes(b"GGUF" + params["format"].encode())
    for index in range(frames):
        if params.get("at") == index:
            DEATHS[params["then"]]()
        told = {"index": index, "pid": os.getpid(), "cpu": resource.getrlimit(resource.RLIMIT_CPU)[0]}
        share = {"progress": (index + 1) / frames, "made": index + 1 == frames}
        echo = {"params": params} if params.get("echo") else {}
        send({"type": "data", "data": {**told, "model": request["model"], **share, **echo}})
        time.sleep(params.get("pause", 0.0))
        if conn.poll() and "cancel" in json.loads(conn.recv_bytes()):
            break
    send({"type": "end"})
