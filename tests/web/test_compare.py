"""The page of comparisons: one's own runs only, and no more than can be told apart."""

import uuid

import pytest
from django.test import Client

from playground.ledger.models import Job
from playground.library.models import Artifact
from playground.people.models import User
from playground.web.pages import MOST_COMPARED
from tests.conftest import SignedIn
from tests.web.conftest import queue


def status(client: Client, runs: str) -> int:
    """Of the page for these runs."""
    return client.get("/compare/", {"runs": runs}).status_code


def test_ones_own_runs_are_shown(client_of_ada: Client, user: User, corpus: Artifact) -> None:
    ids = [str(queue(user, corpus, seed=seed).pk) for seed in range(3)]
    assert b'data-island="Compare"' in client_of_ada.get("/compare/", {"runs": ",".join(ids)}).content
    assert status(client_of_ada, f"{ids[0]},,{ids[2]}") == 200
    assert client_of_ada.get("/compare/").status_code == 200


def test_other_runs_are_not_found(client_of_ada: Client, job: Job, other: User, as_user: SignedIn) -> None:
    assert status(as_user(other), str(job.pk)) == 404
    assert status(client_of_ada, f"{job.pk},{uuid.uuid4()}") == 404


@pytest.mark.parametrize("runs", ["x", "../..", "1,2", "' or 1=1", "\0"])
def test_what_is_no_run_is_not_found(client_of_ada: Client, runs: str) -> None:
    assert status(client_of_ada, runs) == 404


def test_there_is_a_most(client_of_ada: Client, user: User, corpus: Artifact) -> None:
    ids = [str(queue(user, corpus, seed=seed).pk) for seed in range(MOST_COMPARED + 1)]
    assert status(client_of_ada, ",".join(ids[:MOST_COMPARED])) == 200
    assert status(client_of_ada, ",".join(ids)) == 404


def test_strangers_are_sent_to_sign_in(job: Job) -> None:
    assert Client().get("/compare/", {"runs": str(job.pk)}).status_code == 302
