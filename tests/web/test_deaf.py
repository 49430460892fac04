"""A websocket reader that never reads stops its own connection; the server's memory does not grow with it."""

import asyncio
import base64
import os
import socket
import threading
import time
from typing import Any

import pytest
from websockets.asyncio.client import connect

from playground.ledger.models import Job
from playground.people import tokens
from playground.people.models import User
from playground.web import sockets
from playground.web.routing import websockets
from tests.web.conftest import run
from tests.web.site import Site
from tests.web.test_sockets import take

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def secret(user: User) -> str:
    """Ada's token."""
    return tokens.create(user, "t")


@pytest.mark.slow
def test_readers_that_never_read_cost_no_memory(site: Site, secret: str, job: Job) -> None:
    """Forty sockets that never read, while 40 MiB of events pass by, must not make the server grow."""
    store = run(job)
    lines = [deaf(site, job, secret) for _ in range(40)]
    store(1, 2)
    time.sleep(2)
    before = site.memory()
    for step in range(3, 203):
        store(step, step, size=200_000)
    time.sleep(3)
    grown = site.memory() - before
    healthy: list[Any] = []
    listener = threading.Thread(target=lambda: healthy.extend(asyncio.run(listen(site, job, secret))))
    listener.start()
    listener.join(60)
    for line in lines:
        line.close()
    assert [event["seq"] for event in healthy] == list(range(1, len(healthy) + 1))
    assert len(healthy) >= 200
    # Forty times what passed would be 1.6 GiB; the ring and forty full send buffers are what may remain.
    assert grown < 96 << 20


async def listen(site: Site, job: Job, secret: str) -> list[dict[str, Any]]:
    """Somebody who does read, meanwhile."""
    async with connect(
        f"ws://127.0.0.1:{site.port}/ws/jobs/{job.pk}?after=0",
        additional_headers={"Authorization": f"Bearer {secret}"},
        compression=None,
        max_size=None,
    ) as line:
        return await take(line, 205)


def deaf(site: Site, job: Job, secret: str) -> socket.socket:
    """A websocket client with a small receive buffer that sends its handshake and never reads again."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    line.connect(("127.0.0.1", site.port))
    key = base64.b64encode(os.urandom(16)).decode()
    line.sendall(
        f"GET /ws/jobs/{job.pk}?after=0 HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        f"Authorization: Bearer {secret}\r\n\r\n".encode()
    )
    assert line.recv(12) == b"HTTP/1.1 101"
    return line


async def test_who_makes_no_room_for_a_frame_is_cut_off(secret: str, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """The application itself, under a server that holds every frame back, as one does for a browser that hangs."""
    monkeypatch.setattr(sockets, "SEND_WITHIN", 0.2)
    said: list[dict[str, Any]] = []
    arrivals = [{"type": "websocket.connect"}]

    async def receive() -> dict[str, Any]:
        if arrivals:
            return arrivals.pop()
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        said.append(message)
        if message["type"] == "websocket.send":
            await asyncio.Event().wait()

    scope = {
        "type": "websocket",
        "path": f"/ws/jobs/{job.pk}",
        "query_string": b"after=0",
        "headers": [(b"host", b"127.0.0.1"), (b"authorization", f"Bearer {secret}".encode())],
    }
    await asyncio.wait_for(websockets(scope, receive, send), 20)
    assert [message["type"] for message in said] == ["websocket.accept", "websocket.send", "websocket.close"]
    assert said[-1]["code"] == sockets.TOO_SLOW
