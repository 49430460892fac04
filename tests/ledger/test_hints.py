"""Bells and pokes over a real Redis: they arrive, they coalesce, and nobody waits for a Redis that is gone."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import redis
from pytest_django import Settings
from redis.client import PubSub

from playground.domain.job import Status
from playground.domain.messages import NewEvent
from playground.ledger import doorbell, poke
from playground.ledger.append import append
from playground.ledger.claim import claim
from playground.ledger.courier import CAPACITY, Courier, courier
from tests.ledger.conftest import MakeJob
from tests.support.redis import start_redis


@pytest.fixture
def server(tmp_path: Path, settings: Settings) -> Iterator[redis.Redis]:
    """A Redis that the ledger's hints go to."""
    with start_redis(tmp_path) as url:
        settings.REDIS_URL = url
        settings.BROKER_URL = url.replace("unix://", "redis+socket://")
        _forget_clients()
        with redis.Redis.from_url(url) as client:
            yield client
        courier.drain(5)
    _forget_clients()


def _forget_clients() -> None:
    poke.client.cache_clear()
    doorbell.celery.cache_clear()


@pytest.mark.django_db(transaction=True)
def test_what_happens_to_a_job_is_rung_and_poked_after_it_is_stored(server: redis.Redis, make_job: MakeJob) -> None:
    with PubSub(server.connection_pool, ignore_subscribe_messages=True) as listener:
        listener.subscribe(poke.CHANNEL)
        listener.get_message(timeout=1)
        job = make_job()
        assert claim("w") is not None
        line = NewEvent(type="log", data={"text": "hello"})
        last = append(job.pk, 1, [line], to=Status.RUNNING).last_seq
        assert courier.drain(5)
        heard: list[dict[str, object]] = []
        while message := listener.get_message(timeout=0.2):
            heard.append(json.loads(message["data"]))
    assert heard[-1] == {"job": str(job.pk), "seq": last}
    assert len(heard) <= 3
    bells = [json.loads(bell) for bell in server.lrange(doorbell.QUEUE, 0, -1)]
    assert [bell["headers"]["task"] for bell in bells] == [doorbell.TASK]
    assert bells[0]["headers"]["argsrepr"] == repr([str(job.pk)])


def test_hints_of_one_job_coalesce_while_redis_is_slow() -> None:
    got: list[int] = []
    carrier, gate = Courier(), threading.Event()
    carrier.post("first", gate.wait)
    for number in range(1000):
        carrier.post("poke a", partial(got.append, number))
        carrier.post("poke b", partial(got.append, -number))
    assert not carrier.drain(0)
    gate.set()
    assert carrier.drain(5)
    assert got == [999, -999]


def test_what_cannot_be_delivered_is_dropped_and_the_courier_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    got: list[int] = []
    carrier = Courier()

    def fail() -> None:
        raise redis.ConnectionError("gone")

    with caplog.at_level("INFO"):
        for number in range(3):
            carrier.post(f"fail {number}", fail)
        carrier.post("works", partial(got.append, 1))
        assert carrier.drain(5)
    assert got == [1]
    said = [record.message for record in caplog.records]
    assert len(said) == 2
    assert said[0].startswith("Redis does not answer (gone)")
    assert said[1] == "Redis answers again."


def test_undelivered_hints_are_bounded() -> None:
    got: list[int] = []
    carrier, gate = Courier(), threading.Event()
    carrier.post("first", gate.wait)
    for number in range(CAPACITY + 50):
        carrier.post(str(number), partial(got.append, 1))
    gate.set()
    assert carrier.drain(10)
    assert CAPACITY <= len(got) <= CAPACITY + 1


def test_a_redis_that_is_not_there_is_no_error(tmp_path: Path, settings: Settings) -> None:
    settings.REDIS_URL = f"unix://{tmp_path}/none.sock"
    settings.BROKER_URL = f"redis+socket://{tmp_path}/none.sock"
    _forget_clients()
    job = uuid.uuid4()
    poke.poke(job, 1)
    doorbell.ring(job)
    assert courier.drain(30)
    _forget_clients()
