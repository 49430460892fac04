"""One attempt at one job: start the child, store what it says, tell it what its owner wants, see it end.

Every attempt ends in exactly one of these ways: the child's last word (finished or failed) is stored; the job goes
back to the queue (the child died, or this worker is leaving); or the ledger says that the attempt no longer holds the
job, and then the child is killed and nothing more is written.
"""

import logging
import queue
import signal
import threading
import time
from typing import Literal

from pydantic import ValidationError

from playground.domain.errors import Fenced, VitrineError
from playground.domain.job import Desired, Failure, Loss, Status
from playground.domain.messages import Artifact, Control, Emit, Failed, Finished, Plan, Start, parse_up
from playground.ledger.claim import Claim
from workers.adoption import bring_home
from workers.endings import describe, kernel_kills, starved
from workers.hold import Hold
from workers.housekeeping import put_away
from workers.launch import SLACK, Limits
from workers.nursery import Child
from workers.order import Station, job_folder, order
from workers.watchdog import Patience, Watchdog

log = logging.getLogger("vitrine.supervisor")
ENGINE = "workers.engine.child"
RESTING = {"done": Status.DONE, "stopped": Status.STOPPED, "paused": Status.PAUSED}
Wish = Literal["stop", "pause", "preempt"]


class Supervisor:
    """The supervision of one attempt, in the thread that calls `run`."""

    def __init__(
        self,
        claim: Claim,
        station: Station,
        leaving: threading.Event,
        *,
        engine: str = ENGINE,
        patience: Patience = Patience(),
    ) -> None:
        self._job, self._attempt = claim.job, claim.attempt
        self._station, self._leaving, self._engine, self._patience = station, leaving, engine, patience
        self._hold = Hold(claim.job.pk, claim.attempt, patience)
        self._dog = Watchdog(patience, time.monotonic())
        self._child: Child | None = None
        self._told: Wish | None = None
        self._asked = 0
        self._deadline: float | None = None
        self._last_word: Finished | Failed | None = None

    def run(self) -> None:
        """Carry the attempt to its end; whatever is raised, the child is gone by then."""
        try:
            self._attend()
        except Fenced:
            log.warning("Job %s: attempt %d no longer holds it.", self._job.pk, self._attempt)

    def _attend(self) -> None:
        try:
            self._carry_out()
        except Fenced:
            raise
        except VitrineError as refusal:
            # An input that is gone, or a report that the ledger refuses: trying again would end the same way.
            self._hold.outbox.clear()
            failure = Failure.BAD_INPUT if self._child is None else Failure.INTERNAL
            self._hold.finish(Status.FAILED, failure=failure, error=refusal.message)

    def _carry_out(self) -> None:
        start = order(self._job, self._attempt, self._station)
        kills = kernel_kills()
        try:
            # Mostly milliseconds; but the fork server may still be loading its libraries, on a machine that is busy.
            child = self._hold.during(lambda: self._bear(start))
            child.send(start)
            self._converse(child)
            self._conclude(child.end(grace=self._patience.terminate), kills)
        finally:
            if self._child is not None:
                self._child.end()
                self._child.close()

    def _bear(self, start: Start) -> Child:
        # A GPU's driver maps many times the memory there is; the device bounds itself.
        on_cpu = start.device == "cpu"
        limits = Limits(address_space=start.memory_limit + SLACK if on_cpu else None)
        self._child = Child(self._engine, limits, name=f"job-{self._job.pk}")
        return self._child

    def _converse(self, child: Child) -> None:
        """Take messages until the last word, or until the child has closed its pipe."""
        hold = self._hold
        while self._last_word is None:
            now = time.monotonic()
            if hold.outbox.full:
                time.sleep(hold.due(now))  # unread, the child's pipe fills, and the child waits
            else:
                try:
                    raw = child.receive(hold.due(now))
                except queue.Empty:
                    pass
                else:
                    if raw is None:
                        return
                    self._take(raw)
            now = time.monotonic()
            hold.tend(now)
            self._steer(child, now)

    def _take(self, raw: bytes) -> None:
        now = time.monotonic()
        self._dog.sign(now)
        if self._hold.state is Status.STARTING:
            self._hold.enter(Status.RUNNING)
        try:
            message = parse_up(raw)
        except ValidationError as error:
            log.error("Job %s: not a message of the protocol: %s", self._job.pk, error)
            self._last_word = Failed(
                failure=Failure.INTERNAL, message="The engine said something that nobody understood."
            )
            return
        match message:
            case Plan(steps=steps):
                self._hold.steps = steps
            case Emit():
                self._hold.outbox.add(message)
                if message.type == "metrics":
                    self._dog.stepped(now)
            case Artifact():
                bring_home(self._job, message, self._hold)
                self._dog.sign(time.monotonic())
            case Finished() | Failed():
                self._last_word = message

    def _steer(self, child: Child, now: float) -> None:
        """Tell the child what is wanted of it, and end it where it does not follow or does not move."""
        wish = self._wish()
        for ask in self._hold.asks:
            if ask.number > self._asked and wish is None:
                child.send(Control(control=ask.ask, prompt=ask.prompt))
                self._asked = ask.number
        if wish is not None and wish != self._told:
            child.send(Control(control=wish))
            self._told = wish
            self._deadline = now + getattr(self._patience, wish)
            if wish == "pause":
                self._hold.enter(Status.PAUSING)
        if self._deadline is not None and now > self._deadline:
            log.warning("Job %s: the engine did not %s in time and is ended.", self._job.pk, self._told)
            child.signal(signal.SIGTERM)
            child.end(grace=self._patience.terminate)
        elif self._told is None and self._dog.hung(now):
            child.end()
            text = f"The run made no progress for {self._dog.limit:.0f} seconds and was ended."
            self._last_word = Failed(failure=Failure.HUNG, message=text)

    def _wish(self) -> Wish | None:
        if self._leaving.is_set():
            return "preempt"
        if self._hold.desired is Desired.STOP:
            return "stop"
        return "pause" if self._hold.desired is Desired.PAUSE else None

    def _conclude(self, code: int | None, kills_before: int) -> None:
        """Store how the attempt ended."""
        hold = self._hold
        match self._last_word:
            case Finished(outcome="preempted"):
                hold.release(Loss.PREEMPTED)
            case Finished(outcome=outcome):
                hold.finish(RESTING[outcome])
                if outcome == "done":
                    put_away(job_folder(self._job))
            case Failed(failure="disk_full", message=text):
                hold.release(Loss.DISK_FULL, text)
            case Failed(failure=failure, message=text):
                hold.finish(Status.FAILED, failure=Failure(failure), error=text.replace("\0", "?"))
            case None:
                self._conclude_silence(code, kills_before)

    def _conclude_silence(self, code: int | None, kills_before: int) -> None:
        """The child left without a word: because it was ended, or because it died."""
        hold = self._hold
        log.warning("Job %s: %s", self._job.pk, describe(code))
        if self._told == "preempt":
            hold.release(Loss.PREEMPTED)
        elif self._told is not None:
            hold.finish(Status.STOPPED if self._told == "stop" else Status.PAUSED)
        elif starved(code, kills_before):
            text = "The machine ran out of memory. A smaller batch, block or model needs less."
            hold.finish(Status.FAILED, failure=Failure.OUT_OF_MEMORY, error=text)
        else:
            hold.release(Loss.WORKER_LOST, describe(code))
