"""`jobs/preview`: what is asked of the worker, how its frames become one answer, and what is refused."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from playground.domain.preview import PreviewHead
from playground.ledger import presence
from playground.library.models import Artifact
from playground.people.models import User
from tests.web.site import Site
from tests.web.test_errors import problem
from tests.web.test_inspect import Answer, Worker, frames

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/api/v1/jobs/preview"
HEAD = PreviewHead(
    kind="clm",
    attention="causal",
    objective="next_token",
    micros=1,
    tokens=900,
    unknown=0,
    vocab_size=300,
    special={"eos": 0},
    joint=None,
    aims={},
    notes=["The text repeats itself every 44 tokens: the held-out part is no test of what is learned."],
).model_dump()
NONE = {"dtype": "i4", "bdata": "", "shape": "0"}
COUNTS = ("tokens", "padding", "unknown", "words", "labelled", "masked", "replaced", "kept", "examples")


def batch(step: int) -> dict[str, Any]:
    """A batch of which nothing is shown."""
    optional = dict.fromkeys(("changes", "segments", "documents", "positions", "answers", "original", "examples"))
    counts = dict.fromkeys(COUNTS, 0)
    rows = {"rows": 0, "block": 8, "inputs": NONE, "labels": NONE, "lines": [], "pieces": [], "counts": counts}
    return {"batch": {"step": step, "micro": 0, **rows, **optional}}


@pytest.fixture
def work(site: Site) -> Iterator[Callable[[Answer], Worker]]:
    """Start a worker that is seen as alive."""
    workers: list[Worker] = []

    def start(answer: Answer) -> Worker:
        presence.announce("i1", "inspect", memory=1 << 30, device="cpu", threads=1, host="h", pid=1, speed=[])
        workers.append(Worker(answer))
        workers[-1].start()
        return workers[-1]

    yield start
    for worker in workers:
        worker.leaving = True
        worker.join()
        worker.client.delete("inspect")
        worker.client.close()


def ask(client: Client, corpus: Artifact, **more: Any) -> Any:
    """Ask for a preview of a run on a corpus."""
    params = {"corpus": str(corpus.pk), **more.pop("params", {})}
    return client.post(URL, {"kind": "clm", "params": params, **more}, content_type="application/json")


def test_the_worker_gets_the_run_and_its_inputs_and_its_frames_are_one_answer(
    work: Callable[[Answer], Worker], client_of_ada: Client, corpus: Artifact
) -> None:
    worker = work(lambda body: frames({"head": HEAD}, batch(7), batch(8)))
    response = ask(client_of_ada, corpus, step=7, batches=2, params={"seed": 5})
    assert response.status_code == 200
    assert [one["step"] for one in response.json()["batches"]] == [7, 8]
    assert {name: response.json()[name] for name in ("tokens", "notes")} == {
        name: HEAD[name] for name in ("tokens", "notes")
    }
    ((_request, body),) = worker.seen
    assert body["verb"] == "preview"
    assert body["inputs"]["corpus"]["sha256"] == corpus.sha256
    asked = body["params"]
    assert (asked["step"], asked["batches"], asked["micro"], asked["params"]["seed"]) == (7, 2, 0, 5)
    assert asked["params"]["block_size"] == 128


def test_notes_are_said_in_the_readers_language(
    work: Callable[[Answer], Worker], client_of_ada: Client, corpus: Artifact
) -> None:
    work(lambda body: frames({"head": {**HEAD, "notes": ["This took longer than it may and was ended."]}}, batch(1)))
    params = {"kind": "clm", "params": {"corpus": str(corpus.pk)}}
    chinese = client_of_ada.post(URL, params, content_type="application/json", headers={"accept-language": "zh-CN"})
    assert "This" not in chinese.json()["notes"][0]


def test_what_the_worker_refuses_is_said_at_the_field_of_the_run(
    work: Callable[[Answer], Worker], client_of_ada: Client, corpus: Artifact
) -> None:
    refusal = {"type": "error", "code": "bad_input", "message": "Too short.", "status": 422}
    work(lambda body: [{**refusal, "fields": {"block_size": ["At most 12 for this corpus."]}}])
    said = problem(ask(client_of_ada, corpus))
    assert (said.status, said.detail) == (422, "Too short.")
    assert [(error.field, error.message) for error in said.errors] == [
        ("params.block_size", "At most 12 for this corpus.")
    ]


def test_a_text_that_is_not_prepared_and_an_answer_without_a_batch(
    work: Callable[[Answer], Worker], client_of_ada: Client, corpus: Artifact
) -> None:
    refusal = {"type": "error", "code": "not_prepared", "message": "Large.", "status": 422}
    answers = iter([[refusal], frames({"head": HEAD})])
    work(lambda body: next(answers))
    assert problem(ask(client_of_ada, corpus)).code == "not_prepared"
    assert problem(ask(client_of_ada, corpus)).status == 503


def test_all_that_is_wrong_is_named_and_no_worker_is_asked(client_of_ada: Client, corpus: Artifact) -> None:
    wrong = problem(ask(client_of_ada, corpus, params={"block_size": 3, "unknown": 1}))
    assert {error.field for error in wrong.errors} == {"params.block_size", "params.unknown"}
    wrong = problem(ask(client_of_ada, corpus, step=0, batches=5, micro=-1, more=1))
    assert {error.field for error in wrong.errors} == {"step", "batches", "micro", "more"}
    assert problem(ask(client_of_ada, corpus)).code == "no_worker"


def test_a_kind_that_feeds_no_network_has_no_batches(client_of_ada: Client, corpus: Artifact) -> None:
    run = {"kind": "tokenizer", "params": {"corpus": str(corpus.pk)}}
    said = problem(client_of_ada.post(URL, run, content_type="application/json"))
    assert (said.status, [error.field for error in said.errors]) == (422, ["kind"])


def test_what_is_somebody_elses_is_not_found(client_of_ada: Client, corpus: Artifact) -> None:
    corpus.owner = User.objects.create_user("eve")
    corpus.save()
    said = problem(ask(client_of_ada, corpus))
    assert [error.field for error in said.errors] == ["params.corpus"]
    assert Client().post(URL, json.dumps({}), content_type="application/json").status_code == 401
