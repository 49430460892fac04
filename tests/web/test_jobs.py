"""Jobs over the API: queued once, refused with every reason, steered, followed."""

import json
import threading
import time
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from playground.domain.job import Status
from playground.ledger import presence
from playground.ledger.models import Job
from playground.library import corpora
from playground.library.models import Artifact, Kind
from playground.people import tokens
from playground.people.models import User
from tests.conftest import SignedIn
from tests.web.conftest import queue, run
from tests.web.test_errors import problem

URL = "/api/v1/jobs"


def submit(client: Client, body: dict[str, Any], key: str | None = None, to: str = URL) -> Any:
    """POST a run."""
    headers = {"idempotency-key": key} if key is not None else {}
    return client.post(to, json.dumps(body), content_type="application/json", headers=headers)


def order(corpus: Artifact, /, **params: Any) -> dict[str, Any]:
    """A good request."""
    return {"kind": "clm", "params": {"corpus": str(corpus.pk), "steps": 10, **params}}


def test_a_run_is_queued_with_all_its_defaults_filled_in(client_of_ada: Client, corpus: Artifact) -> None:
    response = submit(client_of_ada, order(corpus))
    assert response.status_code == 202
    job = response.json()
    assert response["location"] == f"{URL}/{job['id']}" == job["url"]
    assert (job["kind"], job["status"], job["last_seq"]) == ("clm", "queued", 1)
    assert job["params"]["steps"] == 10
    assert job["params"]["batch_size"] == 16
    assert job["inputs"] == {"corpus": {"id": str(corpus.pk), "name": "Foxes"}}
    assert job["reason"]["code"] == "no_worker"
    assert "Foxes" in job["name"]
    assert client_of_ada.get(job["url"]).json() == job
    assert client_of_ada.get(URL).json() == {"items": [job]}


def test_a_name_with_markup_is_kept_as_text(client_of_ada: Client, corpus: Artifact) -> None:
    name = "<img src=x onerror=alert(1)> 🦊"
    assert submit(client_of_ada, {**order(corpus), "name": name}).json()["name"] == name


def test_one_key_makes_one_job(client_of_ada: Client, corpus: Artifact) -> None:
    first, again = (submit(client_of_ada, order(corpus), "k") for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json() == again.json()
    assert problem(submit(client_of_ada, order(corpus, seed=2), "k")).status == 409
    assert submit(client_of_ada, order(corpus), "another").status_code == 202
    assert submit(client_of_ada, order(corpus)).status_code == 202
    assert Job.objects.count() == 3


def test_keys_of_two_people_are_two_keys(
    client_of_ada: Client, other: User, as_user: SignedIn, corpus: Artifact
) -> None:
    Artifact.objects.filter(pk=corpus.pk).update(owner=None)
    assert submit(client_of_ada, order(corpus), "k").status_code == 202
    assert submit(as_user(other), order(corpus), "k").status_code == 202


@pytest.mark.parametrize("key", ["", "x" * 201, "a\tb"])
def test_a_bad_key_is_refused(client_of_ada: Client, corpus: Artifact, key: str) -> None:
    assert problem(submit(client_of_ada, order(corpus), key)).errors[0].field == "Idempotency-Key"


@pytest.mark.django_db(transaction=True)
def test_many_requests_with_one_key_at_once_make_one_job(user: User, corpus: Artifact) -> None:
    secret = tokens.create(user, "t")
    answers: list[tuple[int, str]] = []

    def ask() -> None:
        try:
            client = Client(headers={"authorization": f"Bearer {secret}"})
            response = submit(client, order(corpus), "k")
            answers.append((response.status_code, response.json()["id"]))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Job.objects.count() == 1
    assert sorted(status for status, _ in answers) == [200] * 7 + [202]
    assert len({id for _, id in answers}) == 1


def test_a_zero_in_a_text_is_refused_since_no_database_takes_it(client_of_ada: Client, corpus: Artifact) -> None:
    for text in ("a\0b", "\ud800"):
        found = problem(submit(client_of_ada, order(corpus, sample_prompt=text)))
        assert {error.field for error in found.errors} == {"params.sample_prompt"}


def test_an_unknown_kind_names_the_known_ones(client_of_ada: Client) -> None:
    found = problem(submit(client_of_ada, {"kind": "alchemy", "params": {}}))
    assert [error.field for error in found.errors] == ["kind"]
    assert "clm" in found.errors[0].message


def test_a_corpus_shorter_than_a_block_is_refused(
    client_of_ada: Client, user: User, corpus: Artifact, tmp_path: Any
) -> None:
    file = tmp_path / "short"
    file.write_text("To be, or not to be.\n")
    short = corpora.add(user, file, "One line", limit=1000)[0]
    found = problem(submit(client_of_ada, order(short)))
    assert [error.field for error in found.errors] == ["params.block_size"]
    assert not Job.objects.exists()


def worker(memory: int) -> None:
    """A train worker of this size signs on."""
    speed = [{"parameters": 1_000_000, "flops_per_s": 1e10, "precision": "fp32"}]
    presence.announce("w1", "train", memory=memory, device="cpu", threads=2, slots=1, speed=speed, host="h", pid=1)


def test_what_does_not_fit_is_refused_by_part_before_it_is_queued(client_of_ada: Client, corpus: Artifact) -> None:
    worker(2 << 30)
    found = problem(submit(client_of_ada, order(corpus, preset="124m")))
    assert found.status == 422
    by_part = next(error.message for error in found.errors if error.field == "params")
    for part in ("weights", "gradients", "optimizer", "activations", "logits", "MiB"):
        assert part in by_part
    assert not Job.objects.exists()


def test_more_devices_than_there_are_are_refused_and_the_estimate_is_kept(
    client_of_ada: Client, corpus: Artifact
) -> None:
    worker(8 << 30)
    found = problem(submit(client_of_ada, order(corpus, devices=4)))
    assert [error.field for error in found.errors] == ["params.devices"]
    uneven = problem(submit(client_of_ada, order(corpus, devices=2, batch_size=7)))
    assert [error.field for error in uneven.errors] == ["params.devices"]
    total = submit(client_of_ada, order(corpus, devices=2), to=f"{URL}/estimate").json()["memory"]["total"]
    job = submit(client_of_ada, order(corpus, devices=2)).json()
    assert Job.objects.get(pk=job["id"]).memory == total


def test_an_estimate_is_given_without_queueing(client_of_ada: Client, corpus: Artifact) -> None:
    worker(8 << 30)
    found = submit(client_of_ada, order(corpus), to=f"{URL}/estimate").json()
    assert found["fits"]
    assert found["parameters"] > 900_000
    assert found["seconds"] > 0
    assert found["memory"]["available"] == 8 << 30
    assert found["memory"]["total"] == sum(
        found["memory"][part] for part in found["memory"] if part not in ("total", "available")
    )
    worker(1 << 20)
    found = submit(client_of_ada, order(corpus), to=f"{URL}/estimate").json()
    assert not found["fits"]
    assert found["problems"]
    assert not Job.objects.exists()


@pytest.mark.parametrize("field", ["corpus", "tokenizer"])
def test_an_artifact_of_the_wrong_kind_or_of_another_is_not_there(
    client_of_ada: Client, other: User, corpus: Artifact, field: str
) -> None:
    foreign = Artifact.objects.create(kind=field, owner=other, name="x", sha256="0" * 64, bytes=1, meta={})
    wrong = Artifact.objects.create(kind=Kind.MODEL, owner=corpus.owner, name="x", sha256="1" * 64, bytes=1, meta={})
    for id in (foreign.pk, wrong.pk, uuid.uuid4()):
        found = problem(submit(client_of_ada, order(corpus, **{field: str(id)})))
        assert [error.field for error in found.errors] == [f"params.{field}"]


@pytest.mark.django_db(transaction=True)
def test_it_is_paused_resumed_and_stopped(client_of_ada: Client, job: Job) -> None:
    steps = [("pause", "paused"), ("pause", "paused"), ("resume", "queued"), ("stop", "stopped"), ("stop", "stopped")]
    for wish, status in steps:
        response = client_of_ada.post(f"{URL}/{job.pk}/{wish}")
        assert (response.status_code, response.json()["status"]) == (200, status)
    assert problem(client_of_ada.post(f"{URL}/{job.pk}/resume")).status == 409
    seqs = [event["seq"] for event in client_of_ada.get(f"{URL}/{job.pk}/events").json()["events"]]
    assert seqs == list(range(1, len(seqs) + 1))


def test_only_an_ended_run_is_removed(client_of_ada: Client, job: Job) -> None:
    assert problem(client_of_ada.delete(f"{URL}/{job.pk}")).status == 409
    client_of_ada.post(f"{URL}/{job.pk}/stop")
    assert client_of_ada.delete(f"{URL}/{job.pk}").status_code == 204
    assert client_of_ada.get(f"{URL}/{job.pk}").status_code == 404


def test_it_is_renamed(client_of_ada: Client, job: Job) -> None:
    url = f"{URL}/{job.pk}"
    assert client_of_ada.patch(url, {"name": "Füchse"}, content_type="application/json").json()["name"] == "Füchse"
    assert problem(client_of_ada.patch(url, {"name": "a\x00"}, content_type="application/json")).status == 422
    refused = problem(client_of_ada.patch(url, {"name": "x", "status": "done"}, content_type="application/json"))
    assert [error.field for error in refused.errors] == ["status"]


def test_a_running_job_tells_how_far_it_is(client_of_ada: Client, job: Job) -> None:
    run(job)(1, 25)
    found = client_of_ada.get(f"{URL}/{job.pk}").json()
    assert (found["status"], found["step"], found["steps"], found["progress"]) == ("running", 25, 100, 0.25)
    assert found["seconds_left"] >= 0
    assert found["reason"] is None
    series = client_of_ada.get(f"{URL}/{job.pk}/metrics").json()["series"]
    assert series["loss"]["step"] == list(range(1, 26))
    assert len(series["loss"]["value"]) == 25


def test_the_list_is_filtered_by_state(client_of_ada: Client, user: User, corpus: Artifact) -> None:
    waiting, stopped = queue(user, corpus), queue(user, corpus)
    client_of_ada.post(f"{URL}/{stopped.pk}/stop")
    assert [item["id"] for item in client_of_ada.get(f"{URL}?status=queued,paused").json()["items"]] == [
        str(waiting.pk)
    ]
    assert len(client_of_ada.get(f"{URL}?limit=1").json()["items"]) == 1


def test_the_line_shows_places_but_not_other_peoples_runs(
    client_of_ada: Client, job: Job, other: User, as_user: SignedIn, corpus: Artifact
) -> None:
    queue(other, corpus)
    found = client_of_ada.get("/api/v1/queue").json()
    assert [(entry["position"], bool(entry["job"])) for entry in found["waiting"]] == [(1, True), (2, False)]
    found = as_user(other).get("/api/v1/queue").json()
    assert [(entry["position"], bool(entry["job"])) for entry in found["waiting"]] == [(1, False), (2, True)]
    assert found["running"] == []


@pytest.mark.django_db(transaction=True)
def test_events_come_page_by_page_and_may_be_waited_for(client_of_ada: Client, job: Job) -> None:
    store = run(job)
    last = store(1, 10)
    events: list[dict[str, Any]] = []
    while len(events) < last:
        page = client_of_ada.get(f"{URL}/{job.pk}/events?after={len(events)}&limit=4").json()
        events += page["events"]
        assert page["last_seq"] == events[-1]["seq"]
    assert [event["seq"] for event in events] == list(range(1, last + 1))
    assert client_of_ada.get(f"{URL}/{job.pk}/events?after={last}").json() == {"events": [], "last_seq": last}

    def store_one() -> None:
        store(11, 11)
        connection.close()

    later = threading.Timer(0.5, store_one)
    later.start()
    began = time.monotonic()
    found = client_of_ada.get(f"{URL}/{job.pk}/events?after={last}&wait=20").json()
    later.join()
    assert [event["seq"] for event in found["events"]] == [last + 1]
    assert time.monotonic() - began < 15
    for query in ("after=-1", "after=x", "limit=0", "limit=501", "wait=31", "wait=-1", "after=99999999999999999999"):
        assert problem(client_of_ada.get(f"{URL}/{job.pk}/events?{query}")).status == 422


def test_the_receipt_tells_what_one_needs_to_repeat_the_run(client_of_ada: Client, job: Job, corpus: Artifact) -> None:
    run(job)(1, 3)
    found = client_of_ada.get(f"{URL}/{job.pk}/receipt").json()
    assert found["params"]["seed"] == 1
    assert found["inputs"] == {"corpus": {"name": "Foxes", "sha256": corpus.sha256}}
    assert [attempt["number"] for attempt in found["attempts"]] == [1]


def test_a_failed_run_says_why(client_of_ada: Client, job: Job) -> None:
    Job.objects.update(status=Status.FAILED, failure="nan_loss", error="The loss is not finite at step 7.")
    found = client_of_ada.get(f"{URL}/{job.pk}").json()
    assert found["error"] == {"failure": "nan_loss", "message": "The loss is not finite at step 7."}
