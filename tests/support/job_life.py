"""Random lives of a job: claims, appends, crashes, zombies, controls and a moving clock, in any order.

The same rules drive the pure machine alone and, in the ledger's tests, the machine and the database side by side.
"""

from __future__ import annotations

from itertools import pairwise

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from playground.domain.job import ACTIVE, MAX_LOST, TERMINAL, TRANSITIONS, Failure, Loss, Status
from playground.domain.machine import Append, Ask, Claim, Event, Reap, Release, State, Tick, step

# Multiples of six seconds never meet a lease (15, 20) or a backoff (1, 4, 5) exactly.
TICKS = st.integers(min_value=1, max_value=5).map(lambda n: 6.0 * n)
# How many attempts ago the writer was claimed: 0 is the living one, the rest are zombies thawed after expiry.
AGES = st.sampled_from([0, 0, 0, 0, 1, 2])
TARGETS = st.sampled_from([Status.RUNNING, Status.RUNNING, Status.PAUSING, Status.PAUSED, Status.QUEUED])
ENDS = st.sampled_from([Status.DONE, Status.FAILED, Status.STOPPED])


class JobLife(RuleBasedStateMachine):
    """Plays events on the pure machine and checks, after each, what must always hold."""

    def __init__(self) -> None:
        super().__init__()
        self.state = State()
        self.over: set[int] = set()

    def play(self, event: Event) -> None:
        """Apply one event, and check that nothing of an attempt that is over was accepted."""
        before = self.state
        after = step(before, event)
        accepted = after is not before
        if isinstance(event, Append | Release) and accepted:
            assert event.attempt == before.attempt
            assert event.attempt not in self.over
        if before.status in ACTIVE and after.status not in ACTIVE:
            self.over.add(before.attempt)
        self.state = after

    @rule(seconds=TICKS)
    def time_passes(self, seconds: float) -> None:
        self.play(Tick(seconds))

    @rule(age=AGES)
    def claim(self, age: int) -> None:
        self.play(Claim(self.state.attempt - age))

    @rule(age=AGES, count=st.integers(min_value=0, max_value=3))
    def append(self, age: int, count: int) -> None:
        self.play(Append(self.state.attempt - age, count))

    @rule(age=AGES, count=st.integers(min_value=0, max_value=2), to=TARGETS)
    def move(self, age: int, count: int, to: Status) -> None:
        self.play(Append(self.state.attempt - age, count, to))

    @rule(age=AGES, to=ENDS, sure=st.sampled_from([False, False, True]))
    def finish(self, age: int, to: Status, sure: bool) -> None:
        # An end is rare, so that lives are long.
        if sure:
            failure = Failure.NAN_LOSS if to is Status.FAILED else None
            self.play(Append(self.state.attempt - age, 1, to, failure))

    @rule(age=AGES)
    def reap(self, age: int) -> None:
        self.play(Reap(self.state.attempt - age))

    @rule(age=AGES, loss=st.sampled_from(Loss))
    def release(self, age: int, loss: Loss) -> None:
        self.play(Release(self.state.attempt - age, loss))

    @rule(wish=st.sampled_from(["pause", "resume", "resume"]))
    def ask(self, wish: str) -> None:
        self.play(Ask("pause" if wish == "pause" else "resume"))

    @rule(sure=st.sampled_from([False, False, True]))
    def stop(self, sure: bool) -> None:
        if sure:
            self.play(Ask("stop"))

    @rule()
    def live(self) -> None:
        """Do what a healthy worker does next, so that lives get somewhere."""
        match self.state.status:
            case Status.QUEUED:
                self.play(Claim(self.state.attempt))
            case Status.STARTING:
                self.play(Append(self.state.attempt, 1, Status.RUNNING))
            case Status.PAUSING:
                self.play(Append(self.state.attempt, 0, Status.PAUSED))
            case _:
                self.play(Append(self.state.attempt, 2))

    @invariant()
    def numbers_have_no_gaps(self) -> None:
        assert [entry.seq for entry in self.state.log] == list(range(1, len(self.state.log) + 1))

    @invariant()
    def attempts_never_go_back(self) -> None:
        attempts = [entry.attempt for entry in self.state.log]
        assert attempts == sorted(attempts)
        assert attempts[-1] <= self.state.attempt

    @invariant()
    def transitions_are_of_the_table_and_the_last_one_is_the_status(self) -> None:
        path = [entry.status for entry in self.state.log if entry.status]
        assert path[0] is Status.QUEUED
        assert path[-1] is self.state.status
        assert all(after in TRANSITIONS[before] for before, after in pairwise(path))

    @invariant()
    def an_end_is_entered_once_and_is_the_last_event(self) -> None:
        ends = [entry for entry in self.state.log if entry.status in TERMINAL]
        assert len(ends) == (self.state.status in TERMINAL)
        assert not ends or ends[0] is self.state.log[-1]

    @invariant()
    def leases_losses_and_failures_belong_to_their_states(self) -> None:
        assert (self.state.lease_until is not None) == (self.state.status in ACTIVE)
        assert (self.state.failure is not None) == (self.state.status is Status.FAILED)
        assert self.state.lost <= MAX_LOST
