"""Inspect requests: looking into models while people wait, answered frame by frame through a Redis list.

A request goes to one of four lanes. The warm lane keeps one child with the models last used in memory. Files that a
user brought are opened in the fresh lane, in a child that is made for this one request and held to tight limits, so
that a hostile file harms only its own request. Previews of a run have a lane of the same sort, since they may cut a
whole text into tokens with a tokenizer that somebody brought, and nobody else should wait for that. So have exports,
for which nobody waits at the list: see `workers.exports`.
"""

import json
import logging
import queue
import threading
import time
from collections.abc import Mapping
from typing import Any, Literal

import redis
from django.conf import settings
from django.utils.translation import gettext_noop as mark
from pydantic import BaseModel, ConfigDict, ValidationError

from playground.library import networks, store
from workers.endings import describe
from workers.host import memory_available
from workers.launch import SLACK, Limits
from workers.nursery import Child
from workers.order import SHARE

log = logging.getLogger("vitrine.inspect")
ENGINE = "workers.engine.inspect"
Verb = Literal["generate", "fill", "exhibit", "check_model", "preview", "export"]
WALL: dict[Verb, float] = {
    "generate": 120.0,
    "fill": 60.0,
    "exhibit": 60.0,
    "check_model": 15.0,
    "preview": 40.0,
    "export": 1800.0,
}
"""Seconds that a request may take from the moment its child begins with it."""

WAITING = 64
"""Requests that may wait in one lane; the next is told to come back later."""

KEEP = 120
"""Seconds that an unread answer stays in Redis."""

CHECK = 0.25
"""Seconds between two looks whether the reader has gone away."""

UNLOAD = 5.0
"""Seconds that a child has to leave a cancelled request, before it is ended instead."""

STRANGER = Limits(address_space=1 << 30, cpu=10, file=1 << 20, open_files=256)
"""What a child gets that opens a file which a user brought."""

PREVIEWER = Limits(address_space=4 << 30, cpu=80, file=1 << 30, open_files=256)
"""What a child gets that prepares a text: training a tokenizer on the largest takes most of this."""

GONE, LATE = mark("The model is no longer in the store."), mark("This took longer than it may and was ended.")
PREVIEW_GONE = mark("What this run would read is no longer in the store.")
PREVIEW_LATE = mark(
    "Preparing this text takes longer than a preview may. The run itself has all the time that it needs."
)


class ModelRef(BaseModel):
    """A model of the library, by its content."""

    model_config = ConfigDict(extra="forbid")
    sha256: str


class InputRef(BaseModel):
    """An artifact of the library that a run reads, by its content, and what the library says of it."""

    model_config = ConfigDict(extra="forbid")
    kind: str
    sha256: str
    meta: dict[str, Any] = {}


class Request(BaseModel):
    """What the web process asks for; a preview has the inputs of its run by their roles."""

    model_config = ConfigDict(extra="forbid")
    verb: Verb
    model: ModelRef | None = None
    inputs: dict[str, InputRef] = {}
    params: dict[str, Any]


class Reply:
    """The Redis list that one request is answered on."""

    def __init__(self, client: "redis.Redis", request: str) -> None:
        self._client, self.request = client, request
        self._looked = 0.0

    def send(self, frame: dict[str, Any]) -> None:
        """Append a frame and keep the list alive."""
        name = f"vitrine:reply:{self.request}"
        with self._client.pipeline(transaction=False) as pipe:
            pipe.rpush(name, json.dumps(frame, allow_nan=False))
            pipe.expire(name, KEEP)
            pipe.execute()

    def places(self) -> dict[str, str]:
        """Folders of this machine that the child is to write to, as parameters of its request."""
        return {}

    def fail(self, code: str, message: str, status: int) -> None:
        """End the answer with an error."""
        self.send({"type": "error", "code": code, "message": message, "status": status})

    def cancelled(self, now: float) -> bool:
        """Whether the reader has gone away; looks at most four times a second."""
        if now - self._looked < CHECK:
            return False
        self._looked = now
        return bool(self._client.exists(f"vitrine:cancel:{self.request}"))


class Lane(threading.Thread):
    """A thread that answers one request after the other with a child of its own."""

    def __init__(
        self, name: str, client: "redis.Redis", leaving: threading.Event, *, engine: str, limits: Limits | None = None
    ) -> None:
        """With `limits` each request gets a child of its own that is held to them; without, one child stays warm."""
        super().__init__(name=name, daemon=True)
        self._client, self._leaving, self._engine, self._limits = client, leaving, engine, limits
        self._warm = limits is None
        self._waiting: queue.Queue[tuple[Reply, Request]] = queue.Queue(WAITING)
        self._child: Child | None = None

    def put(self, reply: Reply, request: Request) -> bool:
        """Queue a request; False where too many wait."""
        try:
            self._waiting.put_nowait((reply, request))
        except queue.Full:
            return False
        return True

    def run(self) -> None:
        """Answer until the process leaves."""
        if self._warm:
            self._child = self._born()
        while not self._leaving.is_set():
            try:
                reply, request = self._waiting.get(timeout=0.5)
            except queue.Empty:
                continue
            try:
                self._answer(reply, request)
            except redis.RedisError as error:
                log.warning("Request %s: Redis did not take the answer (%s).", reply.request, error)
                self._discard()
            except Exception:
                log.exception("Request %s failed; the lane goes on.", reply.request)
                self._discard()
        self._discard()

    def _born(self) -> Child:
        limits = self._limits or Limits(address_space=int(memory_available() * SHARE) + SLACK)
        return Child(self._engine, limits, name=self.name)

    def _discard(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child.close()
            self._child = None

    def _answer(self, reply: Reply, request: Request) -> None:
        if reply.cancelled(time.monotonic()):
            reply.send({"type": "end"})
            return
        try:
            order = self._order(reply, request)
        except FileNotFoundError:
            reply.fail("not_found", PREVIEW_GONE if request.verb == "preview" else GONE, 404)
            return
        if self._child is None or self._child.exit_code is not None:
            self._discard()
            self._child = self._born()
        good = self._relay(self._child, reply, order, WALL[request.verb])
        if not (good and self._warm):
            self._discard()

    def _order(self, reply: Reply, request: Request) -> dict[str, Any]:
        model = None
        if request.model is not None:
            model = networks.located(request.model.sha256)
        params = request.params
        if request.verb == "preview":
            files = {
                role: {"path": str(store.local(ref.kind, ref.sha256)), "sha256": ref.sha256, "meta": ref.meta}
                for role, ref in request.inputs.items()
            }
            params = {**params, "inputs": files, "cache": str(settings.VITRINE_HOME / "cache")}
        params |= reply.places()
        return {"id": reply.request, "verb": request.verb, "model": model, "params": params}

    def _relay(self, child: Child, reply: Reply, order: dict[str, Any], wall: float) -> bool:
        """Pass the child's frames on until the last; False where the child is not fit to answer another request."""
        child.send_raw(json.dumps(order).encode())
        deadline = time.monotonic() + wall
        told = False
        while True:
            now = time.monotonic()
            if not told and (self._leaving.is_set() or reply.cancelled(now)):
                child.send_raw(json.dumps({"cancel": reply.request}).encode())
                told, deadline = True, min(deadline, now + UNLOAD)
            if now > deadline:
                reply.fail("timed_out", PREVIEW_LATE if order["verb"] == "preview" else LATE, 503)
                return False
            try:
                raw = child.receive(min(CHECK, deadline - now))
            except queue.Empty:
                continue
            if raw is None:
                log.warning("Request %s: %s", reply.request, describe(child.end(grace=1.0)))
                reply.fail("crashed", mark("The process that opened this came to grief; the file may be damaged."), 422)
                return False
            frame = json.loads(raw)
            if frame.pop("id", reply.request) != reply.request:
                continue
            reply.send(frame)
            if frame.get("type") in ("end", "error"):
                return True


class Desk:
    """Takes requests from the Celery task and hands each to its lane."""

    def __init__(
        self,
        client: "redis.Redis",
        leaving: threading.Event,
        engine: str = ENGINE,
        replies: Mapping[Verb, type[Reply]] | None = None,
    ) -> None:
        """`replies` says of which verbs the answers are taken otherwise than by the list in Redis."""
        self._client, self._replies = client, replies or {}
        self._warm = Lane("inspect-warm", client, leaving, engine=engine)
        self._apart: dict[Verb, Lane] = {
            "check_model": Lane("inspect-fresh", client, leaving, engine=engine, limits=STRANGER),
            "preview": Lane("inspect-preview", client, leaving, engine=engine, limits=PREVIEWER),
            "export": Lane("inspect-export", client, leaving, engine=engine, limits=Limits()),
        }

    def open(self) -> None:
        """Start the lanes."""
        for lane in (self._warm, *self._apart.values()):
            lane.start()

    def close(self, timeout: float) -> None:
        """Wait until they have ended, after `leaving` was set."""
        for lane in (self._warm, *self._apart.values()):
            lane.join(timeout)

    def take(self, request: str, body: dict[str, Any]) -> None:
        """Queue a request, or answer at once why not."""
        reply = self._replies.get(body.get("verb", ""), Reply)(self._client, request)
        try:
            parsed = Request.model_validate(body)
        except ValidationError as error:
            reply.fail("bad_request", str(error), 422)
            return
        lane = self._apart.get(parsed.verb, self._warm)
        if not lane.put(reply, parsed):
            reply.fail("busy", mark("Too many requests are waiting; please try again in a moment."), 503)
