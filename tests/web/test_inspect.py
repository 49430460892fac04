"""Talking to the inspect worker over a real Redis, with a worker that says what the test wants."""

import asyncio
import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
import redis
from asgiref.sync import sync_to_async
from django.conf import settings
from django.test import AsyncClient, Client

from playground.domain.errors import BadInput, Unavailable, VitrineError
from playground.ledger import presence
from playground.library.models import Artifact, Kind
from playground.people import tokens
from playground.people.models import User
from playground.web import inspect, lessons
from tests.web.site import Site
from tests.web.test_errors import problem

pytestmark = pytest.mark.django_db(transaction=True)
Answer = Callable[[dict[str, Any]], list[dict[str, Any]]]


class Worker(threading.Thread):
    """Takes Celery's messages off the queue as a worker would, and answers each with what `answer` returns."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(daemon=True)
        self.answer = answer
        self.seen: list[tuple[str, dict[str, Any]]] = []
        self.client = redis.Redis.from_url(settings.REDIS_URL, decode_responses=True)
        self.leaving = False

    def run(self) -> None:
        """Serve until told to leave."""
        while not self.leaving:
            item = self.client.brpop(["inspect"], timeout=1)
            if item is None:
                continue
            message = json.loads(item[1])
            assert message["headers"]["task"] == "vitrine.inspect"
            request, body = json.loads(base64.b64decode(message["body"]))[0]
            self.seen.append((request, body))
            for frame in self.answer(body):
                self.client.rpush(f"vitrine:reply:{request}", json.dumps(frame))

    def cancelled(self, request: str) -> bool:
        """Whether the web process has said that nobody reads any more."""
        return bool(self.client.exists(f"vitrine:cancel:{request}"))


@pytest.fixture
def work(site: Site) -> Iterator[Callable[[Answer], Worker]]:
    """Start a worker that is seen as alive."""
    workers: list[Worker] = []

    def start(answer: Answer) -> Worker:
        presence.announce("i1", "inspect", memory=1 << 30, device="cpu", threads=1, host="h", pid=1, speed=[])
        worker = Worker(answer)
        worker.start()
        workers.append(worker)
        return worker

    yield start
    for worker in workers:
        worker.leaving = True
        worker.join()
        worker.client.delete("inspect")
        worker.client.close()


@pytest.fixture
def model(user: User) -> Artifact:
    """A model of Ada's; nobody opens it here."""
    return Artifact.objects.create(kind=Kind.MODEL, owner=user, name="GPT", sha256="a" * 64, bytes=1)


def frames(*data: dict[str, Any]) -> list[dict[str, Any]]:
    """An answer that ends well."""
    return [{"type": "data", "data": item} for item in data] + [{"type": "end"}]


def refused(code: str, status: int) -> list[dict[str, Any]]:
    """An answer that is a refusal."""
    return [{"type": "error", "code": code, "message": "It does not open.", "status": status}]


async def test_frames_come_in_order_and_nothing_stays_in_redis(work: Callable[[Answer], Worker]) -> None:
    worker = await sync_to_async(work)(lambda body: frames({"index": 0}, {"index": 1}))
    found = [frame async for frame in inspect.stream("generate", {"prompt": "x"}, "a" * 64)]
    assert found == [{"index": 0}, {"index": 1}]
    ((request, body),) = worker.seen
    assert body == {"verb": "generate", "model": {"sha256": "a" * 64}, "params": {"prompt": "x"}}
    assert not worker.client.exists(f"vitrine:reply:{request}")
    assert not worker.cancelled(request)


@pytest.mark.parametrize(
    ("status", "kind"), [(422, BadInput), (503, Unavailable), (404, VitrineError), (500, VitrineError)]
)
async def test_a_refusal_is_the_error_that_it_names(
    work: Callable[[Answer], Worker], status: int, kind: type[VitrineError]
) -> None:
    await sync_to_async(work)(lambda body: refused("odd", status))
    with pytest.raises(kind) as caught:
        await inspect.ask("check_model", {"path": "/nowhere"})
    assert (caught.value.status, caught.value.code, caught.value.message) == (status, "odd", "It does not open.")


async def test_who_stops_reading_stops_the_work(work: Callable[[Answer], Worker]) -> None:
    worker = await sync_to_async(work)(lambda body: frames({"index": 0})[:1])
    stream = inspect.stream("generate", {})
    assert await anext(stream) == {"index": 0}
    await stream.aclose()
    assert worker.cancelled(worker.seen[0][0])


async def test_without_a_worker_the_answer_is_no_at_once(site: Site, db: None) -> None:
    with pytest.raises(Unavailable) as caught:
        await inspect.ask("generate", {})
    assert caught.value.code == "no_worker"


async def test_a_worker_that_goes_away_is_noticed(
    work: Callable[[Answer], Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspect, "LOOK", 0.2)
    await sync_to_async(work)(lambda body: frames({"index": 0})[:1])
    stream = inspect.stream("generate", {})
    assert await anext(stream) == {"index": 0}
    await sync_to_async(presence.farewell)("i1")
    with pytest.raises(Unavailable):
        await anext(stream)


async def test_without_redis_it_is_unavailable(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    await sync_to_async(presence.announce)(
        "i1", "inspect", memory=1, device="cpu", threads=1, host="h", pid=1, speed=[]
    )
    monkeypatch.setattr(settings, "REDIS_URL", "unix:///nowhere.sock")
    inspect._celery.cache_clear()
    monkeypatch.setattr(settings, "BROKER_URL", "redis+socket:///nowhere.sock")
    with pytest.raises(Unavailable):
        await inspect.ask("generate", {})
    inspect._celery.cache_clear()


async def test_generation_is_streamed_line_by_line(
    work: Callable[[Answer], Worker], user: User, model: Artifact
) -> None:
    tokens_of_prompt = {"prompt_tokens": [{"id": 1, "text": "你"}]}
    worker = await sync_to_async(work)(lambda body: frames(tokens_of_prompt, {"index": 0, "id": 2, "text": "好"}))
    response = await generate(user, model)
    assert (response.status_code, response["content-type"]) == (200, "application/x-ndjson")
    lines = b"".join([piece async for piece in response.streaming_content]).decode().splitlines()
    assert [json.loads(line) for line in lines] == [tokens_of_prompt, {"index": 0, "id": 2, "text": "好"}]
    assert worker.seen[0][1]["model"] == {"sha256": model.sha256}
    assert worker.seen[0][1]["params"]["max_tokens"] == 64


async def test_what_goes_wrong_after_the_first_token_is_the_last_line(
    work: Callable[[Answer], Worker], user: User, model: Artifact
) -> None:
    await sync_to_async(work)(lambda body: frames({"index": 0})[:1] + refused("crashed", 422))
    response = await generate(user, model)
    lines = [json.loads(piece) async for piece in response.streaming_content]
    assert lines[1] == {"error": {"code": "crashed", "message": "It does not open.", "status": 422}}


async def generate(user: User, model: Artifact) -> Any:
    """Ask for text as a program does that reads asynchronously."""
    secret = await sync_to_async(tokens.create)(user, "t")
    return await AsyncClient().post(
        f"/api/v1/models/{model.pk}/generate",
        {"prompt": "你"},
        content_type="application/json",
        headers={"authorization": f"Bearer {secret}"},
    )


def test_what_goes_wrong_before_the_first_token_is_a_problem(
    work: Callable[[Answer], Worker], client_of_ada: Client, model: Artifact
) -> None:
    url = f"/api/v1/models/{model.pk}/generate"
    work(lambda body: refused("bad_input", 422))
    assert problem(client_of_ada.post(url, {"prompt": "x"}, content_type="application/json")).status == 422


def test_without_a_worker_generation_is_a_503(client_of_ada: Client, model: Artifact) -> None:
    response = client_of_ada.post(f"/api/v1/models/{model.pk}/generate", {}, content_type="application/json")
    assert (problem(response).status, problem(response).code) == (503, "no_worker")


def test_bad_wishes_are_all_named(client_of_ada: Client, model: Artifact) -> None:
    wishes = {"temperature": 9, "top_p": 0, "top_k": -1, "max_tokens": 513, "seed": -1, "ids": ["x"], "stop": "x"}
    response = client_of_ada.post(f"/api/v1/models/{model.pk}/generate", wishes, content_type="application/json")
    fields = {error.field.split(".")[0] for error in problem(response).errors}
    assert fields == set(wishes)


@pytest.mark.parametrize("first", [1, 0])
def test_a_browser_that_leaves_stops_the_work(
    site: Site, work: Callable[[Answer], Worker], user: User, model: Artifact, first: int
) -> None:
    worker = work(lambda body: frames({"index": 0})[:first])
    headers = {"authorization": f"Bearer {tokens.create(user, 't')}"}
    url = f"{site.url}/api/v1/models/{model.pk}/generate"
    with suppress(httpx.ReadTimeout), httpx.stream("POST", url, json={}, headers=headers, timeout=2) as response:
        assert json.loads(next(response.iter_lines())) == {"index": 0}
    deadline = time.monotonic() + 20
    while not (worker.seen and worker.cancelled(worker.seen[0][0])):
        assert time.monotonic() < deadline, "the worker was not told"
        time.sleep(0.05)


async def test_forty_who_ask_the_same_are_one_request(work: Callable[[Answer], Worker]) -> None:
    lessons._kept.clear()
    worker = await sync_to_async(work)(lambda body: frames({"result": [1, 2]}))
    found = await asyncio.gather(*[lessons.computed("prediction", "next", {"text": "a"}, "b" * 64) for _ in range(40)])
    assert found == [{"result": [1, 2]}] * 40
    assert await lessons.computed("prediction", "next", {"text": "a"}, "b" * 64) == {"result": [1, 2]}
    assert len(worker.seen) == 1
    await lessons.computed("prediction", "next", {"text": "b"}, "b" * 64)
    assert len(worker.seen) == 2


async def test_a_failure_is_not_kept(work: Callable[[Answer], Worker]) -> None:
    answers = iter([refused("odd", 503), frames({"result": 1})])
    await sync_to_async(work)(lambda body: next(answers))
    with pytest.raises(Unavailable):
        await lessons.computed("prediction", "next", {"text": "c"}, "c" * 64)
    assert await lessons.computed("prediction", "next", {"text": "c"}, "c" * 64) == {"result": 1}


def test_an_exhibit_is_asked_for_by_its_route(
    work: Callable[[Answer], Worker], client_of_ada: Client, model: Artifact
) -> None:
    worker = work(lambda body: frames({"made": "up"}))
    url = "/api/v1/exhibits/prediction/next"
    response = client_of_ada.post(url, {"model": str(model.pk), "text": "Hello"}, content_type="application/json")
    assert (response.status_code, response.json()) == (200, {"made": "up"})
    assert worker.seen[0][1]["params"]["slug"] == "next"
    assert worker.seen[0][1]["params"]["params"]["text"] == "Hello"
    refusal = problem(client_of_ada.post(url, {"text": "Hello", "x": 1}, content_type="application/json"))
    assert {error.field for error in refusal.errors} == {"model", "x"}
