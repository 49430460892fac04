"""A listener that is deaf is noticed by the messages that it leaves lying."""

import threading
from collections.abc import Callable

import redis

from tests.workers.conftest import Broker, wait_for
from workers.hearing import Hearing


def listening(broker: Broker, heard: Callable[[], int], remedies: tuple[Callable[[], None], ...]) -> threading.Event:
    """Start looking into the queue `calls`; the event ends it."""
    leaving = threading.Event()
    client = redis.Redis.from_url(broker.url)
    Hearing("calls", client, heard, leaving, remedies, look=0.02).start()
    return leaving


def test_a_message_that_nobody_takes_means_one_remedy_after_the_other(broker: Broker) -> None:
    applied: list[str] = []
    with redis.Redis.from_url(broker.url) as client:
        client.rpush("calls", "hello")
    leaving = listening(broker, lambda: 0, (lambda: applied.append("listener"), lambda: applied.append("process")))
    wait_for(lambda: len(applied) == 2, 10)
    leaving.set()
    assert applied == ["listener", "process"]


def test_a_queue_that_is_long_and_moving_is_no_sign(broker: Broker) -> None:
    applied, looks = [], iter(range(1_000_000))
    seen: list[int] = []

    def heard() -> int:
        seen.append(next(looks))
        return seen[-1]

    with redis.Redis.from_url(broker.url) as client:
        client.rpush("calls", "hello")
    leaving = listening(broker, heard, (lambda: applied.append("listener"),))
    wait_for(lambda: len(seen) > 20, 10)
    leaving.set()
    assert applied == []


def test_an_empty_queue_or_no_redis_is_no_sign(broker: Broker) -> None:
    applied: list[str] = []
    looks: list[int] = []

    def heard() -> int:
        looks.append(1)
        return 0

    leaving = listening(broker, heard, (lambda: applied.append("listener"),))
    wait_for(lambda: len(looks) > 10, 10)
    broker.kill()
    before = len(looks)
    wait_for(lambda: len(looks) > before + 10, 10)
    leaving.set()
    assert applied == []
