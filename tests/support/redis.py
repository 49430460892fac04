"""A real, private Redis for a test, with the command line of the product's own."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from playground.web.redis_server import command, find_binary, private_folder, socket_path

START_S = 10.0


@contextmanager
def start_redis(home: Path) -> Iterator[str]:
    """Run a server for this home while the block lasts; gives its REDIS_URL."""
    socket = socket_path(home)
    private_folder(socket.parent)
    process = subprocess.Popen(command(find_binary(), socket, home / "redis.log"), stdout=subprocess.DEVNULL)
    url = f"unix://{socket}"
    try:
        _wait(url, process)
        yield url
    finally:
        process.kill()
        process.wait()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            with redis.Redis.from_url(url) as client:
                client.ping()
            return
        except redis.ConnectionError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
