"""Inspect requests through a real Redis and real children: in order, cancelled, crashed, hung, hostile."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from playground.library.models import Artifact
from tests.workers.conftest import Broker, wait_for
from workers import inspection
from workers.inspection import Desk, Lane, Reply, Request

INSPECTOR = "tests.workers.honest_inspector"
BODY = {"verb": "generate", "model": None}


class Counter:
    """The desk, and the reader of its answers."""

    def __init__(self, client: "redis.Redis") -> None:
        self.client = client
        self.leaving = threading.Event()
        self.desk = Desk(client, self.leaving, engine=INSPECTOR)
        self.desk.open()
        self.number = 0

    def ask(self, verb: str = "generate", **params: Any) -> str:
        """Send a request and return its number."""
        self.number += 1
        self.desk.take(f"r{self.number}", {"verb": verb, "model": None, "params": params})
        return f"r{self.number}"

    def frame(self, request: str) -> dict[str, Any]:
        """The next frame of an answer."""
        popped = self.client.blpop([f"vitrine:reply:{request}"], timeout=20)
        assert popped is not None
        found: dict[str, Any] = json.loads(popped[1])
        return found

    def answer(self, request: str) -> list[dict[str, Any]]:
        """All frames of an answer, the last one included."""
        frames = [self.frame(request)]
        while frames[-1]["type"] == "data":
            frames.append(self.frame(request))
        return frames

    def pid(self, verb: str = "generate") -> int:
        """The process that answers."""
        found: int = self.answer(self.ask(verb))[0]["data"]["pid"]
        return found


@pytest.fixture
def counter(broker: Broker, settings: Any) -> Iterator[Counter]:
    """A desk with both lanes open."""
    client = redis.Redis.from_url(broker.url)
    made = Counter(client)
    yield made
    made.leaving.set()
    made.desk.close(timeout=20)
    client.close()


def test_frames_come_in_order_and_the_list_does_not_stay(counter: Counter) -> None:
    request = counter.ask(frames=20)
    frames = counter.answer(request)
    assert [frame["data"]["index"] for frame in frames[:-1]] == list(range(20))
    assert frames[-1] == {"type": "end"}
    unread = counter.ask(frames=1)
    wait_for(lambda: counter.client.llen(f"vitrine:reply:{unread}") == 2, 20)
    assert 0 < int(str(counter.client.ttl(f"vitrine:reply:{unread}"))) <= 120


def test_the_same_child_stays_warm(counter: Counter) -> None:
    assert counter.pid() == counter.pid()


def test_a_crash_is_told_and_the_next_request_is_answered(counter: Counter) -> None:
    before = counter.pid()
    last = counter.answer(counter.ask(frames=3, at=1, then="segv"))[-1]
    assert (last["type"], last["code"]) == ("error", "crashed")
    assert counter.pid() != before


def test_a_request_that_takes_too_long_is_ended(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(inspection.WALL, "generate", 0.5)
    last = counter.answer(counter.ask(at=0, then="hang"))[-1]
    assert (last["code"], last["status"]) == ("timed_out", 503)
    assert counter.pid()


def test_a_reader_who_left_stops_the_work_and_not_the_child(counter: Counter) -> None:
    before = counter.pid()
    request = counter.ask(frames=100_000, pause=0.01)
    counter.frame(request)
    counter.client.set(f"vitrine:cancel:{request}", "1", ex=120)
    frames = counter.answer(request)
    assert frames[-1] == {"type": "end"}
    assert len(frames) < 10_000
    assert counter.pid() == before


def test_a_reader_who_left_while_waiting_is_not_served(counter: Counter) -> None:
    first = counter.ask(frames=50, pause=0.01)
    second = counter.ask(frames=50)
    counter.client.set(f"vitrine:cancel:{second}", "1", ex=120)
    assert len(counter.answer(first)) == 51
    assert counter.answer(second) == [{"type": "end"}]


def test_what_a_user_brought_is_opened_in_a_child_of_its_own_under_tight_limits(counter: Counter) -> None:
    warm = counter.pid()
    data = [counter.answer(counter.ask("check_model", path="x"))[0]["data"] for _ in range(2)]
    assert len({warm, *(told["pid"] for told in data)}) == 3
    assert {told["cpu"] for told in data} == {10}
    assert counter.answer(counter.ask("check_model", at=0, then="abort"))[-1]["code"] == "crashed"
    assert counter.answer(counter.ask("check_model", at=0, then="bomb"))[-1]["code"] == "crashed"
    assert counter.pid() == warm


@pytest.mark.parametrize("body", [{}, {"verb": "dance", "params": {}}, {"verb": "generate", "params": {}, "more": 1}])
def test_a_body_that_nobody_understands_is_refused(counter: Counter, body: dict[str, Any]) -> None:
    counter.desk.take("bad", body)
    assert counter.frame("bad")["status"] == 422


def test_a_model_that_is_gone_is_said(counter: Counter, home: object) -> None:
    counter.desk.take("gone", {"verb": "generate", "model": {"sha256": "0" * 64}, "params": {}})
    assert counter.frame("gone")["code"] == "not_found"


def test_a_preview_gets_the_files_of_its_run_in_a_child_of_its_own(
    counter: Counter, corpus: Artifact, home: Path
) -> None:
    ref = {"kind": "corpus", "sha256": corpus.sha256, "meta": {"lines": 1}}
    warm, seen = counter.pid(), []
    for number in range(2):
        body = {"verb": "preview", "inputs": {"corpus": ref}, "params": {"kind": "clm", "echo": True}}
        counter.desk.take(f"p{number}", body)
        told, end = counter.answer(f"p{number}")
        assert end == {"type": "end"}
        seen.append(told["data"]["pid"])
        asked = told["data"]["params"]
        assert (Path(asked["inputs"]["corpus"]["path"]) / "text.txt").read_text() == "to be or not to be"
        assert (asked["inputs"]["corpus"]["meta"], asked["cache"], asked["kind"]) == (
            ref["meta"],
            str(home / "cache"),
            "clm",
        )
    assert len({warm, *seen}) == 3
    counter.desk.take("gone", {"verb": "preview", "inputs": {"corpus": {**ref, "sha256": "0" * 64}}, "params": {}})
    assert "run would read" in counter.frame("gone")["message"]


def test_a_preview_that_takes_too_long_is_ended_in_words_and_holds_nobody_up(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(inspection.WALL, "preview", 2.0)
    counter.desk.take("slow", {"verb": "preview", "params": {"at": 0, "then": "hang"}})
    assert counter.pid()
    assert counter.pid()
    last = counter.frame("slow")
    assert (last["code"], last["status"]) == ("timed_out", 503)
    assert "longer than a preview may" in last["message"]


def test_a_full_lane_says_so(broker: Broker) -> None:
    client = redis.Redis.from_url(broker.url)
    lane = Lane("closed", client, threading.Event(), engine=INSPECTOR)
    body = Request(verb="generate", params={})
    taken = [lane.put(Reply(client, str(number)), body) for number in range(inspection.WAITING + 1)]
    assert taken == [True] * inspection.WAITING + [False]


def test_redis_may_vanish_in_the_middle_of_an_answer(counter: Counter, broker: Broker) -> None:
    request = counter.ask(frames=100_000, pause=0.01)
    counter.frame(request)
    broker.kill()
    time.sleep(0.3)
    broker.start()
    assert counter.pid()
