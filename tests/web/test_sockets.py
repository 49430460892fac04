"""Websockets against a real server: every event once and in order, to those who may see it, at no cost in memory."""

import asyncio
import json
import time
import uuid
from contextlib import suppress
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from playground.domain.job import Status
from playground.ledger.models import Job
from playground.library.models import Artifact
from playground.people import tokens
from playground.people.models import ApiToken, User
from tests.web.conftest import run
from tests.web.site import Site

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def secret(user: User) -> str:
    """Ada's token."""
    return tokens.create(user, "t")


def dial(site: Site, job: uuid.UUID, secret: str | None, after: str = "0", origin: Any = None) -> connect:
    """Open a socket."""
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    url = f"ws://127.0.0.1:{site.port}/ws/jobs/{job}?after={after}"
    return connect(url, additional_headers=headers, origin=origin, compression=None)


async def take(line: ClientConnection, until: int) -> list[dict[str, Any]]:
    """Read frames until event `until`."""
    events: list[dict[str, Any]] = []
    while not events or events[-1]["seq"] < until:
        events += json.loads(await asyncio.wait_for(line.recv(), 20))["events"]
    return events


async def code_of(line: connect) -> int:
    """The code with which the server closes."""
    async with line as opened:
        with pytest.raises(ConnectionClosed) as caught:
            await exhausted(opened)
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code


async def exhausted(line: ClientConnection) -> None:
    """Read until the server closes."""
    while True:
        await asyncio.wait_for(line.recv(), 20)


async def test_what_is_stored_comes_first_and_then_what_is_new(site: Site, secret: str, job: Job) -> None:
    store = await sync_to_async(run)(job)
    last = await sync_to_async(store)(1, 1200)
    async with dial(site, job.pk, secret) as line:
        events = await take(line, last)
        assert [event["seq"] for event in events] == list(range(1, last + 1))
        for step in range(1201, 1206):
            await sync_to_async(store)(step, step)
            (event,) = await take(line, last + step - 1200)
            assert event["data"]["step"] == [step]


async def test_it_goes_on_after_any_number(site: Site, secret: str, job: Job) -> None:
    last = await sync_to_async(lambda: run(job)(1, 300))()
    for after in (0, 1, 150, last - 1):
        async with dial(site, job.pk, secret, str(after)) as line:
            assert [event["seq"] for event in await take(line, last)] == list(range(after + 1, last + 1))


async def test_many_watchers_see_the_same_in_few_frames(site: Site, secret: str, job: Job) -> None:
    store = await sync_to_async(run)(job)
    lines = [await dial(site, job.pk, secret) for _ in range(30)]
    writer = asyncio.ensure_future(sync_to_async(lambda: [store(step, step) for step in range(1, 101)][-1])())
    frames = 0

    async def follow(line: ClientConnection) -> list[int]:
        nonlocal frames
        seqs: list[int] = []
        while len(seqs) < 103:
            seqs += [event["seq"] for event in json.loads(await asyncio.wait_for(line.recv(), 30))["events"]]
            frames += 1
        return seqs

    began = time.monotonic()
    found = await asyncio.gather(*[follow(line) for line in lines])
    seconds = time.monotonic() - began
    assert await writer == 103
    assert all(seqs == list(range(1, 104)) for seqs in found)
    # At most twenty frames a second each, whatever the worker does, and one more for what was there before.
    assert frames <= len(lines) * (seconds * 20 + 3)
    for line in lines:
        await line.close()


async def test_without_redis_events_still_come(
    site: Site, secret: str, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("playground.ledger.rows.poke", lambda *arguments: None)
    store = await sync_to_async(run)(job)
    async with dial(site, job.pk, secret) as line:
        await take(line, 3)
        last = await sync_to_async(store)(1, 5)
        assert len(await take(line, last)) == 5


async def test_an_ended_run_is_told_to_its_last_event(site: Site, secret: str, job: Job) -> None:
    last = await sync_to_async(lambda: run(job)(1, 3, to=Status.DONE))()
    async with dial(site, job.pk, secret) as line:
        assert (await take(line, last))[-1]["data"]["status"] == "done"


@pytest.mark.parametrize("after", ["-1", "x", "", "1.5", "9" * 40, "%00", "0x10"])
async def test_a_number_that_is_none_closes_4400(site: Site, secret: str, job: Job, after: str) -> None:
    assert await code_of(dial(site, job.pk, secret, after)) == 4400


async def test_a_stranger_is_closed_4401(site: Site, job: Job) -> None:
    assert await code_of(dial(site, job.pk, "vt_wrong")) == 4401
    assert await code_of(dial(site, job.pk, None, origin=f"http://127.0.0.1:{site.port}")) == 4401


async def test_another_users_job_is_closed_4404(site: Site, job: Job, other: User, corpus: Artifact) -> None:
    theirs = await sync_to_async(tokens.create)(other, "t")
    assert await code_of(dial(site, job.pk, theirs)) == 4404
    assert await code_of(dial(site, uuid.uuid4(), theirs)) == 4404


async def test_a_cookie_opens_a_socket_from_our_own_pages_only(site: Site, user: User, job: Job) -> None:
    from django.test import Client

    browser = Client()
    await sync_to_async(browser.force_login)(user)
    cookie = {"Cookie": f"sessionid={browser.cookies['sessionid'].value}"}
    url = f"ws://127.0.0.1:{site.port}/ws/jobs/{job.pk}"
    ours: Any = f"http://127.0.0.1:{site.port}"
    async with connect(url, additional_headers=cookie, origin=ours) as line:
        assert (await take(line, 1))[0]["type"] == "status"
    foreign: list[Any] = [
        "http://evil.example",
        f"http://127.0.0.1:{site.port + 1}",
        "http://127.0.0.1",
        f"http://evil.127.0.0.1:{site.port}",
        f"http://127.0.0.1:{site.port}.evil.example",
        f"http://127.0.0.1:{site.port}@evil.example",
        "null",
        "",
        "file://",
        None,
    ]
    for origin in foreign:
        with pytest.raises(InvalidStatus) as caught:
            async with connect(url, additional_headers=cookie, origin=origin):
                pass
        assert caught.value.response.status_code == 403


async def test_a_foreign_origin_is_refused_even_with_a_token(site: Site, secret: str, job: Job) -> None:
    with pytest.raises(InvalidStatus):
        async with dial(site, job.pk, secret, origin="http://evil.example"):
            pass


@pytest.mark.parametrize("path", ["/ws/jobs/1", "/ws/", "/", "/ws/jobs/not-a-uuid?after=0"])
async def test_other_addresses_take_no_websocket(site: Site, secret: str, path: str) -> None:
    with pytest.raises(InvalidStatus):
        async with connect(
            f"ws://127.0.0.1:{site.port}{path}", additional_headers={"Authorization": f"Bearer {secret}"}
        ):
            pass


async def test_a_flood_is_cut_off(site: Site, secret: str, job: Job) -> None:
    async with dial(site, job.pk, secret) as line:
        with suppress(ConnectionClosed):
            for _ in range(100_000):
                await line.send("noise")
        await asyncio.wait_for(line.wait_closed(), 20)
        assert line.close_code in (1006, 1008)


async def test_a_huge_message_is_cut_off(site: Site, secret: str, job: Job) -> None:
    async with dial(site, job.pk, secret) as line:
        with suppress(ConnectionClosed):
            await line.send("x" * (1 << 20))
        await asyncio.wait_for(line.wait_closed(), 20)
        assert line.close_code in (1006, 1009)


async def test_who_loses_the_right_loses_the_socket(
    site: Site, secret: str, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ShortAdmission(job, secret) as frames:
        assert json.loads(await frames.get())["events"]
        await sync_to_async(ApiToken.objects.all().delete)()
        while (said := await asyncio.wait_for(frames.get(), 20)) != "4401":
            assert not json.loads(said)["events"]


class ShortAdmission:
    """The application itself, called as a server would, with a right that is looked at all the time."""

    def __init__(self, job: Job, secret: str) -> None:
        self.scope = {
            "type": "websocket",
            "path": f"/ws/jobs/{job.pk}",
            "query_string": b"after=0",
            "headers": [(b"host", b"127.0.0.1"), (b"authorization", f"Bearer {secret}".encode())],
        }
        self.frames: asyncio.Queue[str] = asyncio.Queue()
        self.patch = pytest.MonkeyPatch()

    async def __aenter__(self) -> "asyncio.Queue[str]":
        from playground.web import sockets
        from playground.web.routing import websockets

        self.patch.setattr(sockets, "ADMIT_AGAIN", 0.1)
        self.task = asyncio.ensure_future(websockets(self.scope, self._receive, self._send))
        self.first = True
        return self.frames

    async def __aexit__(self, *error: object) -> None:
        self.patch.undo()
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def _receive(self) -> dict[str, Any]:
        if self.first:
            self.first = False
            return {"type": "websocket.connect"}
        await asyncio.Event().wait()
        raise AssertionError

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send":
            await self.frames.put(message["text"])
        elif message["type"] == "websocket.close":
            await self.frames.put(str(message["code"]))
