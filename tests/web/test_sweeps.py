"""Sweeps over the API: all runs or none, every wrong value named, one table of what came of them."""

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
from tests.conftest import SignedIn
from tests.web.test_errors import problem
from tests.web.test_jobs import submit

URL = "/api/v1/sweeps"


def sweep(client: Client, corpus: Artifact, over: dict[str, list[Any]], key: str | None = None, **params: Any) -> Any:
    """POST a sweep."""
    body = {"kind": "clm", "params": {"corpus": str(corpus.pk), **params}, "over": over}
    return submit(client, body, key, URL)


def test_each_combination_is_a_run(client_of_ada: Client, corpus: Artifact) -> None:
    response = sweep(client_of_ada, corpus, {"learning_rate": [0.003, 0.001], "seed": [1, 2, 3]}, steps=10)
    assert response.status_code == 202
    made = response.json()
    assert response["location"] == made["url"] == f"{URL}/{made['id']}"
    assert made["over"] == {"learning_rate": [0.001, 0.003], "seed": [1, 2, 3]}
    assert len(made["items"]) == 6
    for item in made["items"]:
        job = item["job"]
        assert job["sweep"] == made["id"]
        assert item["values"] == job["varied"] == {name: job["params"][name] for name in ("learning_rate", "seed")}
        assert job["params"]["steps"] == 10
        assert (item["loss"], item["best_val_loss"]) == (None, None)
    assert [list(item["values"].values()) for item in made["items"]] == [
        [rate, seed] for rate in (0.001, 0.003) for seed in (1, 2, 3)
    ]
    assert "Learning rate 0.001, Seed 1" in made["items"][0]["job"]["name"]
    assert client_of_ada.get(made["url"]).json() == made
    assert made["best"] is None


def test_the_best_is_the_lowest_held_out_loss_of_any_evaluation(client_of_ada: Client, corpus: Artifact) -> None:
    made = sweep(client_of_ada, corpus, {"seed": [1, 2, 3]}).json()
    told = {1: [5.0, 4.5], 2: [4.0, 4.75]}
    for _ in range(2):
        taken = claim("w")
        assert taken is not None
        losses = told.get(taken.job.params["seed"], [6.0])
        append(taken.job.pk, taken.attempt, [], to=Status.RUNNING)
        for step, loss in enumerate(losses, 1):
            events = [{"step": [step], "loss": [loss + 1]}, {"step": [step], "val_loss": [loss], "perplexity": [9.0]}]
            append(taken.job.pk, taken.attempt, [NewEvent(type="metrics", data=data) for data in events])
    items = {item["values"]["seed"]: item for item in client_of_ada.get(made["url"]).json()["items"]}
    shown = {seed: (i["loss"], i["val_loss"], i["best_val_loss"], i["best_step"]) for seed, i in items.items()}
    known = {seed: shown[seed] for seed in shown if shown[seed][0] is not None}
    expected = {1: (5.5, 4.5, 4.5, 2), 2: (5.75, 4.75, 4.0, 1), 3: (7.0, 6.0, 6.0, 1)}
    assert len(known) == 2
    assert known == {seed: expected[seed] for seed in known}
    best = min(known, key=lambda seed: expected[seed][2])
    assert client_of_ada.get(made["url"]).json()["best"] == items[best]["job"]["id"]


def test_every_wrong_value_is_named_and_nothing_is_queued(client_of_ada: Client, corpus: Artifact) -> None:
    over: dict[str, list[Any]] = {"learning_rate": [0.001, -1, 0.01], "batch_size": [4, "many"]}
    found = problem(sweep(client_of_ada, corpus, over))
    assert {error.field for error in found.errors} == {"over.learning_rate.1", "over.batch_size.1"}
    found = problem(sweep(client_of_ada, corpus, {"colour": ["red", "blue"]}, steps=-1))
    assert {error.field for error in found.errors} == {"over.colour.0", "over.colour.1", "params.steps"}
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({}, "over"),
        ({"seed": [1, 2], "clip": [0.5, 1.0], "steps": [5, 6]}, "over"),
        ({"seed": [1]}, "over.seed"),
        ({"seed": [1, 2, 1]}, "over.seed"),
        ({"seed": list(range(25))}, "over"),
        ({"seed": list(range(100_000))}, "over"),
        ({str(number): [1, 2] for number in range(20_000)}, "over"),
        ({"seed": list(range(5)), "steps": list(range(5, 10))}, "over"),
    ],
)
def test_a_sweep_has_a_form(client_of_ada: Client, corpus: Artifact, over: dict[str, list[Any]], field: str) -> None:
    assert [error.field for error in problem(sweep(client_of_ada, corpus, over)).errors] == [field]
    assert not Job.objects.exists()


def test_one_key_makes_one_sweep(client_of_ada: Client, corpus: Artifact) -> None:
    first, again = (sweep(client_of_ada, corpus, {"seed": [1, 2]}, "k") for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json() == again.json()
    assert Job.objects.count() == 2
    assert problem(sweep(client_of_ada, corpus, {"seed": [1, 3]}, "k")).code == "idempotency_key_reused"


def test_all_are_stopped_at_once(client_of_ada: Client, corpus: Artifact, other: User, as_user: SignedIn) -> None:
    made = sweep(client_of_ada, corpus, {"seed": [1, 2, 3]}).json()
    taken = claim("w")
    assert taken is not None
    append(taken.job.pk, taken.attempt, [], to=Status.RUNNING)
    append(taken.job.pk, taken.attempt, [], to=Status.DONE)
    assert problem(as_user(other).post(f"{made['url']}/stop")).status == 404
    stopped = client_of_ada.post(f"{made['url']}/stop").json()
    assert sorted(item["job"]["status"] for item in stopped["items"]) == ["done", "stopped", "stopped"]


def test_asks_reach_only_a_run_that_runs(client_of_ada: Client, job: Job) -> None:
    assert problem(client_of_ada.post(f"/api/v1/jobs/{job.pk}/evaluate")).code == "not_running"
    taken = claim("w")
    assert taken is not None
    Job.objects.filter(pk=job.pk).update(params={**job.params, "probes": ["the fox"]})
    for what, body in (("evaluate", {}), ("sample", {"prompt": "Once"}), ("sample", {}), ("probe", {})):
        response = submit(client_of_ada, body, None, f"/api/v1/jobs/{job.pk}/{what}")
        assert (response.status_code, response.json()["id"]) == (200, str(job.pk))
    heard = append(job.pk, taken.attempt, [], to=Status.RUNNING).asks
    assert [(ask.ask, ask.prompt) for ask in heard] == [
        ("evaluate", None),
        ("sample", "Once"),
        ("sample", None),
        ("probe", None),
    ]
    for prompt in ("a\0b", "x" * 2001):
        found = problem(submit(client_of_ada, {"prompt": prompt}, None, f"/api/v1/jobs/{job.pk}/sample"))
        assert found.errors[0].field == "prompt"
