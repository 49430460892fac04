"""Which processes make up an installation: their commands and what their environment says."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from playground.web import redis_server
from playground.web.serve.address import Address
from playground.web.serve.child import Child

GRACEFUL_S = 5
"""Seconds that the web process gives open requests at its end."""


def environment(home: Path, address: Address, redis_url: str | None) -> dict[str, str]:
    """The supervisor's environment with what the children must know added.

    `redis_url` is given only where it is not the one that the settings work out by themselves.
    """
    added = {
        "DJANGO_SETTINGS_MODULE": "playground.settings",
        "PYTHONUNBUFFERED": "1",
        "VITRINE_HOME": str(home),
        "HOST": address.host,
        "PORT": str(address.port),
    }
    if redis_url:
        added["REDIS_URL"] = redis_url
    return {**os.environ, **added}


def redis(socket: Path, log: Path, env: Mapping[str, str]) -> Child:
    """The private Redis server, which writes its own short log; raises redis_server.NoRedis."""
    return Child("redis", redis_server.command(redis_server.find_binary(), socket, log), env)


def web(address: Address, env: Mapping[str, str]) -> Child:
    """The web process, on the socket that the supervisor holds."""
    listener = address.listener.fileno()
    command = [
        *(sys.executable, "-m", "uvicorn", "playground.asgi:application"),
        *("--fd", str(listener)),
        *("--ws", "websockets-sansio"),
        *("--ws-max-size", "65536"),
        *("--ws-ping-interval", "20"),
        *("--timeout-graceful-shutdown", str(GRACEFUL_S)),
        # The access log would hold the sign-in link's token.
        "--no-access-log",
        *("--log-level", "warning"),
    ]
    return Child("web", command, env, keep=(listener,))


def worker(queue: str, env: Mapping[str, str]) -> Child:
    """The worker of one queue: `train` or `inspect`."""
    return Child(queue, [sys.executable, "-m", "workers", queue], env)
