"""The database does what the pure machine does: random lives, played on both, compared after every event."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db.models.functions import Now
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from playground.domain.errors import Conflict
from playground.domain.machine import Append, Ask, Claim, Event, Reap, Release, State, Tick
from playground.domain.messages import NewEvent
from playground.ledger.append import append
from playground.ledger.claim import Claimant, take
from playground.ledger.controls import request
from playground.ledger.invariants import check
from playground.ledger.models import Job
from playground.ledger.reap import reap, release
from playground.ledger.submit import submit
from playground.people.models import User
from tests.ledger.conftest import Params, log_of, pass_time
from tests.support.job_life import JobLife

MOMENT = timedelta(milliseconds=5)
LINE = NewEvent(type="log", data={"text": "a line"})


class LedgerLife(JobLife):
    """Plays each event on the machine and on a job in the database."""

    owner: User

    def __init__(self) -> None:
        super().__init__()
        self.job = submit(self.owner, "clm", Params(), {})[0]

    def play(self, event: Event) -> None:
        before = self.state
        super().play(event)
        earliest = self.now()
        self.set_times(before)
        # A second stop changes nothing, yet is no error for the one who asks.
        assert self.perform(event) == (self.state is not before) or event == Ask("stop"), event
        self.compare(earliest, self.now())

    def teardown(self) -> None:
        assert check(self.job) == []
        Job.objects.filter(pk=self.job.pk).delete()

    def perform(self, event: Event) -> bool:
        """Do it in SQL; tell whether it was accepted."""
        try:
            match event:
                case Tick(seconds):
                    pass_time(seconds)
                case Claim(seen):
                    return take(self.job.pk, seen, Claimant("w"), {}) is not None
                case Append(attempt, count, to, failure):
                    reply = append(self.job.pk, attempt, [LINE] * count, to=to, failure=failure)
                    assert reply[:3] == (self.state.desired, len(self.state.log), self.state.status)
                case Reap(seen):
                    return seen == self.job.attempt and self.job.pk in reap()
                case Release(attempt, loss):
                    assert release(self.job.pk, attempt, loss) is self.state.status
                case Ask(wish):
                    request(self.job, wish)
        except Conflict:
            return False
        return True

    def now(self) -> datetime:
        """The database's clock."""
        return Job.objects.filter(pk=self.job.pk).annotate(now=Now()).values_list("now", flat=True).get()

    def set_times(self, state: State) -> None:
        """Make the times of the row exactly those of the state, so that the test's own duration does not add up."""
        lease = None if state.lease_until is None else Now() + timedelta(seconds=state.lease_until - state.now)
        # What is due now is due for a moment already: SQLite compares times as text, exactly only to the millisecond.
        due = Now() + timedelta(seconds=state.not_before - state.now) - MOMENT
        Job.objects.filter(pk=self.job.pk).update(lease_until=lease, not_before=due)

    def compare(self, earliest: datetime, latest: datetime) -> None:
        """The row, its times and its log are those of the state; the event took place between the two moments."""
        self.job.refresh_from_db()
        job, state = self.job, self.state
        row = (job.status, job.desired, job.reason, job.attempt, job.lost, job.failure)
        assert row == (state.status, state.desired, state.reason, state.attempt, state.lost, state.failure or "")
        assert log_of(job.pk) == [
            (entry.seq, entry.attempt, "status" if entry.status else "log", entry.status or "") for entry in state.log
        ]
        assert (job.lease_until is None) == (state.lease_until is None)
        for stored, expected in ((job.lease_until, state.lease_until), (job.not_before, state.not_before)):
            if stored is not None and expected is not None:
                remaining = timedelta(seconds=expected - state.now)
                assert earliest + remaining - 2 * MOMENT <= stored <= latest + remaining + 2 * MOMENT


@pytest.mark.django_db
def test_the_database_lives_as_the_machine_does(owner: User) -> None:
    class Life(LedgerLife):
        pass

    Life.owner = owner
    run_state_machine_as_test(Life, settings=settings(max_examples=60, stateful_step_count=40, deadline=None))
