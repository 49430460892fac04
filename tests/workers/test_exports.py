"""Exports through a real Redis and real children: progress, the store, what was given up, what does not fit."""

import json
import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from playground.library import exports, store
from tests.workers.conftest import Broker, wait_for
from workers.exports import ABANDONED, Export, folder, tidy
from workers.inspection import Desk

INSPECTOR = "tests.workers.honest_inspector"
NAME = exports.key("a" * 64, "gguf-f16")


@pytest.fixture
def client(broker: Broker) -> Iterator["redis.Redis"]:
    """A client that forgets what the tests have said."""
    found = redis.Redis.from_url(broker.url)
    yield found
    found.flushdb()
    found.close()


@pytest.fixture
def desk(client: "redis.Redis", clean_store: Path) -> Iterator[tuple[Desk, threading.Event]]:
    """A desk with all lanes open."""
    leaving = threading.Event()
    made = Desk(client, leaving, engine=INSPECTOR, replies={"export": Export})
    made.open()
    yield made, leaving
    leaving.set()
    made.close(timeout=20)


def ask(desk: Desk, **params: Any) -> None:
    """Ask for a form."""
    desk.take(NAME, {"verb": "export", "model": None, "params": {"format": "gguf-f16", **params}})


def test_what_is_made_lies_in_the_store(client: "redis.Redis", desk: tuple[Desk, threading.Event]) -> None:
    assert exports.standing(client, NAME).state == "absent"
    assert exports.begin(client, NAME)
    assert not exports.begin(client, NAME)
    assert exports.standing(client, NAME).state == "waiting"
    ask(desk[0], frames=4)
    wait_for(lambda: exports.standing(client, NAME).state == "done", 30)
    assert exports.standing(client, NAME) == exports.Standing("done", 1.0, bytes=12)
    assert (store.local(exports.KIND, NAME) / "model.gguf").read_bytes() == b"GGUFgguf-f16"
    assert not any(folder().iterdir())
    assert not client.keys("vitrine:export:*")


def test_progress_is_told_on_the_way(client: "redis.Redis", desk: tuple[Desk, threading.Event]) -> None:
    ask(desk[0], frames=8, pause=0.3)
    wait_for(lambda: exports.standing(client, NAME).state == "running", 20)
    first = exports.standing(client, NAME).progress
    wait_for(lambda: exports.standing(client, NAME).progress > first, 20)
    assert 0 < first < 1


def test_a_crash_is_told_and_the_next_request_begins_anew(
    client: "redis.Redis", desk: tuple[Desk, threading.Event]
) -> None:
    exports.begin(client, NAME)
    ask(desk[0], frames=3, at=1, then="segv")
    wait_for(lambda: exports.standing(client, NAME).state == "failed", 20)
    assert "came to grief" in exports.standing(client, NAME).message
    assert not any(folder().iterdir())
    assert exports.begin(client, NAME)
    ask(desk[0])
    wait_for(lambda: exports.standing(client, NAME).state == "done", 20)


def test_a_worker_that_leaves_keeps_nothing_half_made(
    client: "redis.Redis", desk: tuple[Desk, threading.Event]
) -> None:
    exports.begin(client, NAME)
    ask(desk[0], frames=200, pause=0.1)
    wait_for(lambda: exports.standing(client, NAME).state == "running", 20)
    desk[1].set()
    desk[0].close(timeout=20)
    assert exports.standing(client, NAME).state == "absent"
    assert exports.begin(client, NAME)


def test_folders_of_the_dead_are_removed_and_those_of_the_living_are_not(settings: Any) -> None:
    for name, age in (("old", ABANDONED + 60), ("new", 0)):
        path = folder() / name
        path.mkdir(parents=True)
        os.utime(path, (time.time() - age,) * 2)
    tidy()
    assert [path.name for path in folder().iterdir()] == ["new"]
    (folder() / "new").rmdir()


def test_the_oldest_go_first_and_never_the_new_one() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    found = {str(number): (10, start + timedelta(hours=number)) for number in range(5)}
    assert exports.surplus(found, 50, "4") == []
    assert exports.surplus(found, 25, "4") == ["0", "1", "2"]
    assert exports.surplus(found, 0, "0") == ["1", "2", "3", "4"]


def test_the_store_knows_sizes_and_times(clean_store: Path, tmp_path: Path) -> None:
    for number, name in enumerate(("b" * 64, "c" * 64)):
        made = tmp_path / name
        made.mkdir()
        (made / "model.gguf").write_bytes(b"x" * (number + 1))
        exports.keep(name, made)
    sizes = store.current().sizes(exports.KIND)
    assert {name: size for name, (size, _) in sizes.items()} == {"b" * 64: 1, "c" * 64: 2}
    assert all(abs((datetime.now(UTC) - when).total_seconds()) < 60 for _, when in sizes.values())


def test_what_was_said_may_be_forgotten(client: "redis.Redis") -> None:
    exports.tell(client, NAME, "running", progress=0.5)
    assert exports.standing(client, NAME).progress == 0.5
    assert 0 < int(str(client.ttl(f"vitrine:export:{NAME}"))) <= exports.RUNNING_LIVES
    assert json.loads(client.get(f"vitrine:export:{NAME}") or "{}")["state"] == "running"
    exports.forget(client, NAME)
    assert exports.standing(client, NAME).state == "absent"
