"""Repeats over the API: the same run again, and a verdict that rests on the stored numbers alone."""

from typing import Any

import pytest
from django.test import Client

from playground.domain.job import Status
from playground.domain.messages import NewEvent
from playground.ledger.append import append
from playground.ledger.claim import claim
from playground.ledger.models import Job
from playground.library.models import Artifact
from playground.people.models import User
from tests.web.conftest import queue
from tests.web.test_errors import problem
from tests.web.test_forks import keep
from tests.web.test_jobs import URL, submit


def attempt(
    job: Job,
    losses: list[float],
    threads: int = 2,
    to: Status | None = Status.DONE,
    more: dict[str, list[float]] | None = None,
) -> None:
    """Let a worker carry a run so far, one event for each step; `more` are other series of as many values."""
    taken = claim("w1", environment={"threads": threads, "cpu": "a fast one"})
    assert taken is not None
    assert taken.job.pk == job.pk
    append(job.pk, taken.attempt, [], to=Status.RUNNING, steps=len(losses))
    for step, loss in enumerate(losses, 1):
        data = {"step": [step], "loss": [loss], "seconds": [step / 7]}
        data |= {name: [values[step - 1]] for name, values in (more or {}).items()}
        append(job.pk, taken.attempt, [NewEvent(type="metrics", data=data)])
    if to is not None:
        append(job.pk, taken.attempt, [], to=to)


def repeat(client: Client, job: Job, **body: Any) -> Job:
    """POST a repeat."""
    response = submit(client, body, None, f"{URL}/{job.pk}/repeat")
    assert response.status_code == 202, response.content
    return Job.objects.get(pk=response.json()["id"])


def verdict(client: Client, job: Job) -> dict[str, Any]:
    """GET what the repeat says."""
    found: dict[str, Any] = client.get(f"{URL}/{job.pk}/repeat").json()
    return found


LOSSES = [7.6, 7.5, 7.25, 7.125]


def test_a_repeat_has_the_same_parameters_and_plan(client_of_ada: Client, user: User, corpus: Artifact) -> None:
    job = queue(user, corpus, steps=None, minutes=1, seed=9)
    attempt(job, LOSSES)
    again = repeat(client_of_ada, job)
    job.refresh_from_db()
    assert again.params == job.params
    assert (again.relation, again.parent, again.parent_step, again.steps) == ("repeat", job, None, 4)
    assert list(again.inputs.all()) == [corpus]
    assert again.name == "Foxes run, repeated"
    assert repeat(client_of_ada, job, threads=3).params["threads"] == 3
    assert problem(submit(client_of_ada, {"threads": 0}, None, f"{URL}/{job.pk}/repeat")).errors[0].field == "threads"


def test_identical_is_said_only_at_the_end(client_of_ada: Client, job: Job) -> None:
    attempt(job, LOSSES)
    again = repeat(client_of_ada, job)
    assert (verdict(client_of_ada, again)["verdict"], verdict(client_of_ada, again)["steps"]) == ("running", 0)
    attempt(again, LOSSES[:3], to=None)
    assert (verdict(client_of_ada, again)["verdict"], verdict(client_of_ada, again)["steps"]) == ("running", 3)
    append(again.pk, 1, [], to=Status.DONE)
    found = verdict(client_of_ada, again)
    assert (found["verdict"], found["step"], found["environment"]) == ("identical", None, [])
    assert (found["of"], found["name"]) == (str(job.pk), "Foxes run")


def test_the_last_digit_counts_and_the_environment_is_named(client_of_ada: Client, job: Job) -> None:
    attempt(job, LOSSES)
    again = repeat(client_of_ada, job, threads=1)
    other = [*LOSSES[:2], 7.25 + 2**-50, 9.0]
    attempt(again, other, threads=2, to=None)
    found = verdict(client_of_ada, again)
    assert (found["verdict"], found["step"], found["series"]) == ("differs", 3, "loss")
    assert found["values"] == [7.25, 7.25 + 2**-50]
    assert found["environment"] == [{"name": "threads", "before": 2, "after": 1}]


@pytest.mark.parametrize("series", ["grad_norm", "val_loss"])
def test_every_number_of_the_training_counts(client_of_ada: Client, job: Job, series: str) -> None:
    attempt(job, LOSSES, more={series: [0.5, 0.5, 0.5, 0.5]})
    again = repeat(client_of_ada, job)
    attempt(again, LOSSES, more={series: [0.5, 0.5 + 2**-50, 0.5, 0.75]})
    found = verdict(client_of_ada, again)
    assert (found["verdict"], found["step"], found["series"]) == ("differs", 2, series)


def test_other_endings(client_of_ada: Client, job: Job) -> None:
    assert problem(client_of_ada.get(f"{URL}/{job.pk}/repeat")).status == 404
    attempt(job, LOSSES)
    again = repeat(client_of_ada, job)
    attempt(again, [], to=Status.STOPPED)
    assert verdict(client_of_ada, again)["verdict"] == "nothing"
    shorter = repeat(client_of_ada, job)
    attempt(shorter, LOSSES[:2], to=Status.STOPPED)
    assert (verdict(client_of_ada, shorter)["verdict"], verdict(client_of_ada, shorter)["steps"]) == ("identical", 2)
    assert client_of_ada.delete(f"{URL}/{job.pk}").status_code == 204
    assert problem(client_of_ada.get(f"{URL}/{shorter.pk}/repeat")).status == 404


def test_a_repeat_of_a_fork_begins_where_the_fork_began(client_of_ada: Client, job: Job) -> None:
    attempt(job, LOSSES)
    keep(job, 2)
    fork = Job.objects.get(pk=submit(client_of_ada, {"step": 2}, None, f"{URL}/{job.pk}/fork").json()["id"])
    again = repeat(client_of_ada, fork)
    assert (again.relation, again.parent, again.parent_step, again.step) == ("repeat", fork, 2, 2)


def test_a_repeat_whose_text_was_deleted_is_refused(client_of_ada: Client, job: Job, corpus: Artifact) -> None:
    attempt(job, LOSSES)
    corpus.delete()
    found = problem(submit(client_of_ada, {}, None, f"{URL}/{job.pk}/repeat"))
    assert [error.field for error in found.errors] == ["params.corpus"]
