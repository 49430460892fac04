"""An attempt's hold on its job: every write that the supervisor makes goes through here.

The database may be away for a while. Then nothing is lost and nothing waits: events stay in the outbox, the child
goes on, and the next write is tried after a random pause. A refusal (`Fenced`) is final and passes through.
"""

import logging
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, TypeVar
from uuid import UUID

from django.db import InterfaceError, OperationalError, close_old_connections

from playground.domain.errors import Fenced
from playground.domain.job import ACTIVE, Desired, Loss, Status
from playground.domain.messages import Ask
from playground.ledger.append import append
from playground.ledger.asks import heard
from playground.ledger.models import Job
from playground.ledger.reap import release
from workers.outbox import INTERVAL, Outbox
from workers.watchdog import Patience

log = logging.getLogger("vitrine.hold")
T = TypeVar("T")
AWAY = (OperationalError, InterfaceError)
"""What the database raises while it is locked, full, restarting or out of reach. All else is a defect of ours."""

PAUSE = (0.2, 1.5)
"""Seconds between two tries of a write that the database did not take; random, so that workers do not march in step."""


class Hold:
    """The outbox, the lease, the state and the owner's wish of one attempt. All methods are for one thread."""

    def __init__(self, job: UUID, attempt: int, patience: Patience) -> None:
        self.job, self.attempt = job, attempt
        self.outbox = Outbox()
        self.desired = Desired.RUN
        self.asks: tuple[Ask, ...] = ()
        self.steps: int | None = None
        self.state = self._stored = Status.STARTING
        self._patience = patience
        now = time.monotonic()
        self._wrote = now - INTERVAL
        self._looked = self._renewed = self._retry = now

    def enter(self, state: Status) -> None:
        """Enter an active state with the next write."""
        self.state = state

    def due(self, now: float) -> float:
        """Seconds until `tend` has something to do."""
        if now < self._retry:
            return self._retry - now
        times = [self._looked + self._patience.look, self._renewed + self._patience.renew]
        if self._unsaid:
            times.append(self._wrote + INTERVAL)
        return max(0.0, min(times) - now)

    @property
    def _unsaid(self) -> bool:
        return len(self.outbox) > 0 or self.steps is not None or self.state is not self._stored

    def tend(self, now: float) -> None:
        """Write what is due, renew the lease, learn what the owner wants. Raises Fenced."""
        if now < self._retry:
            return
        try:
            if (self._unsaid and now >= self._wrote + INTERVAL) or now >= self._renewed + self._patience.renew:
                self._write()
            elif now >= self._looked + self._patience.look:
                self._look()
        except AWAY as error:
            self._put_off(error)

    def during(self, work: Callable[[], T]) -> T:
        """Do in a thread what may outlast the lease, and tend meanwhile. Raises Fenced, and what `work` raises.

        Returns or raises only once the thread has ended.
        """
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(work)
            while not future.done():
                now = time.monotonic()
                self.tend(now)
                wait([future], timeout=max(INTERVAL, self.due(now)))
            return future.result()

    def flush(self) -> None:
        """Store all that waits, however long the database is away. Raises Fenced."""
        if self._unsaid:
            self._insist(self._write)

    def finish(self, to: Status, **fields: Any) -> None:
        """Leave the job in a final or resting state, with the rest stored before. Raises Fenced."""
        if self.state is not self._stored:
            self.flush()  # what was over at once was still begun: the log tells every state
        self._insist(lambda: self._write(to, **fields))

    def attach(self, **artifact: Any) -> None:
        """Store the rest together with `model=` or `tokenizer=`, in one step. Raises Fenced."""
        self._insist(lambda: self._write(**artifact))

    def release(self, loss: Loss, message: str = "") -> None:
        """Store the rest, then give the job back to the queue. Raises Fenced."""
        self.flush()
        self._insist(lambda: release(self.job, self.attempt, loss, message))

    def _write(self, to: Status | None = None, **fields: Any) -> None:
        target = to or (self.state if self.state is not self._stored else None)
        events = self.outbox.events()
        reply = append(self.job, self.attempt, events, to=target, steps=self.steps, **fields)
        self.outbox.clear()
        self.steps = None
        self.state = self._stored = reply.status
        self._wrote = self._renewed = self._looked = time.monotonic()
        self.desired, self.asks = reply.desired, reply.asks

    def _look(self) -> None:
        row = Job.objects.filter(pk=self.job).values_list("attempt", "status", "desired", "asks").first()
        if row is None or row[0] != self.attempt or row[1] not in ACTIVE:
            raise Fenced("Another attempt holds the job, or none does.")
        self.desired, self.asks = Desired(row[2]), heard(row[3])
        self._looked = time.monotonic()

    def _insist(self, write: Callable[[], T]) -> T:
        while True:
            try:
                return write()
            except AWAY as error:
                self._put_off(error)
                time.sleep(max(0.0, self._retry - time.monotonic()))

    def _put_off(self, error: Exception) -> None:
        log.warning("Job %s: the database did not take a write (%s); the run goes on.", self.job, error)
        close_old_connections()
        self._retry = time.monotonic() + random.uniform(*PAUSE)
