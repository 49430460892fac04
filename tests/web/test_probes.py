"""Probes over the API: exactly what was recorded, cached, and nobody else's."""

import base64
import zlib
from typing import Any

import numpy as np
import pytest
from django.test import Client
from numpy.typing import NDArray

from playground.domain.job import Status
from playground.domain.messages import NewEvent
from playground.domain.probing import coded, decoded, points
from playground.ledger.append import append
from playground.ledger.controls import remove
from playground.ledger.models import Job, ProbeBlob
from playground.ledger.timeline import events_after
from playground.library.models import Artifact
from playground.people.models import User
from tests.conftest import SignedIn
from tests.web.conftest import queue, run

WORDS = ["cat", "dog", "owl"]
TOKENS = 4


def packed(array: NDArray[Any]) -> str:
    return base64.b64encode(zlib.compress(array.tobytes())).decode()


def weights(step: int) -> NDArray[np.float32]:
    """Attention of two layers of three heads."""
    raw = np.tril(np.random.default_rng(step).random((2, 3, TOKENS, TOKENS), dtype=np.float32))
    normed: NDArray[np.float32] = raw / raw.sum(-1, keepdims=True)
    return normed


def vectors(step: int) -> NDArray[np.float32]:
    return np.random.default_rng(step).standard_normal((len(WORDS), 16)).astype("<f4")


def probe(step: int, *, first: bool = False) -> NewEvent:
    """A record as the engine makes it."""
    tokens = [{"id": index, "text": "abcd"[index], "special": False} for index in range(TOKENS)]
    sentences = [{"text": "abcd", "cut": False, "tokens": tokens}]
    about = {"sentences": sentences, "words": WORDS, "vectors": "embedding", "sight": "causal", "layers": 2, "heads": 3}
    places = [{"top": [["b", 0.5]], "p": 0.5, "rank": 0}] * 3 + [{"top": [["!", 0.25]]}]
    data = {
        "step": step,
        "detail": "heads",
        "sentences": [{"loss": 0.7, "places": places}],
        "layers": {"name": ["0"], "gradient": [1.0], "update": [0.1], "weight": [9.0]},
        **({"about": about} if first else {}),
    }
    return NewEvent(type="probe", data=data, blobs=[packed(coded(weights(step))), packed(vectors(step))])


@pytest.fixture
def probed(job: Job) -> Job:
    """A running job with records of three steps, the second of which was told twice."""
    run(job)
    append(job.pk, 1, [probe(1, first=True)])
    append(job.pk, 1, [probe(1, first=True), probe(2), probe(4)])
    return job


def test_the_index_says_what_is_recorded(client_of_ada: Client, probed: Job) -> None:
    index = client_of_ada.get(f"/api/v1/jobs/{probed.pk}/probes").json()
    assert index["steps"] == [1, 2, 4]
    assert [token["text"] for token in index["sentences"][0]["tokens"]] == list("abcd")
    assert (index["layers"], index["heads"], index["words"]) == (2, 3, WORDS)


def test_a_run_without_records_has_an_empty_index(client_of_ada: Client, job: Job) -> None:
    assert client_of_ada.get(f"/api/v1/jobs/{job.pk}/probes").json()["steps"] == []
    assert client_of_ada.get(f"/api/v1/jobs/{job.pk}/probes/points").status_code == 404
    assert client_of_ada.get(f"/api/v1/jobs/{job.pk}/probes/1").status_code == 404


def test_a_record_is_what_was_told_and_may_be_kept(client_of_ada: Client, probed: Job) -> None:
    response = client_of_ada.get(f"/api/v1/jobs/{probed.pk}/probes/2")
    assert response.json() == probe(2).data
    assert "immutable" in response["Cache-Control"]
    again = client_of_ada.get(f"/api/v1/jobs/{probed.pk}/probes/2", headers={"if-none-match": response["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_attention_comes_as_bytes_of_all_layers_or_of_one(client_of_ada: Client, probed: Job) -> None:
    url = f"/api/v1/jobs/{probed.pk}/probes/4/0/attention"
    response = client_of_ada.get(url)
    assert response["X-Shape"] == f"2, 3, {TOKENS}, {TOKENS}"
    found = decoded(np.frombuffer(response.content, np.uint8)).reshape(2, 3, TOKENS, TOKENS)
    bound = (2 * np.sqrt(weights(4)) + 1 / 510) / 510
    assert (np.abs(found - weights(4)) <= bound + 1e-6).all()
    one = client_of_ada.get(url, {"layer": 1})
    assert one["X-Shape"] == f"1, 3, {TOKENS}, {TOKENS}"
    assert one.content == response.content[len(response.content) // 2 :]
    assert client_of_ada.get(url, {"layer": 2}).status_code == 404
    assert client_of_ada.get(url.replace("/4/0/", "/4/1/")).status_code == 404
    assert client_of_ada.get(url.replace("/4/0/", "/3/0/")).status_code == 404


def test_points_are_those_of_the_recorded_vectors(client_of_ada: Client, probed: Job) -> None:
    found = client_of_ada.get(f"/api/v1/jobs/{probed.pk}/probes/points").json()
    assert (found["words"], found["steps"]) == (WORDS, [1, 2, 4])
    raw = np.frombuffer(base64.b64decode(found["points"]["bdata"]), "<f4").reshape(3, 3, 2)
    np.testing.assert_allclose(raw, points(np.stack([vectors(step) for step in (1, 2, 4)])), atol=1e-5)


def test_probes_are_nobody_elses(as_user: SignedIn, other: User, probed: Job) -> None:
    client = as_user(other)
    for path in ("probes", "probes/points", "probes/1", "probes/1/0/attention"):
        assert client.get(f"/api/v1/jobs/{probed.pk}/{path}").status_code == 404


def test_events_travel_without_their_binary_parts(probed: Job) -> None:
    told = [event.data for event in events_after(probed.pk)[0] if event.type == "probe"]
    assert told == [probe(1, first=True).data, probe(2).data, probe(4).data]


def test_records_go_away_with_their_run(probed: Job) -> None:
    assert ProbeBlob.objects.filter(job=probed.pk).count() == 6
    append(probed.pk, 1, [], to=Status.DONE)
    remove(Job.objects.get(pk=probed.pk))
    assert not ProbeBlob.objects.exists()


def test_a_run_without_pinned_sentences_has_nothing_to_record(
    client_of_ada: Client, user: User, corpus: Artifact
) -> None:
    job = queue(user, corpus)
    run(job)
    refused = client_of_ada.post(f"/api/v1/jobs/{job.pk}/probe")
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_pinned")
    Job.objects.filter(pk=job.pk).update(params={**job.params, "probes": ["the fox"]})
    assert client_of_ada.post(f"/api/v1/jobs/{job.pk}/probe").status_code == 200
