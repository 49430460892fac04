"""Tokenizers over the API: the shelf, uploads in every format, and files that are opened in the child alone."""

import base64
import io
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import pytest
import sentencepiece
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from tokenizers import Tokenizer, models, pre_tokenizers

from playground.domain.tokenization import starter
from playground.library.models import Artifact
from playground.web.apart.pool import pool
from tests.conftest import SignedIn
from tests.workers.engine.hostile import PANICS, crafted

pytestmark = pytest.mark.usefixtures("clean_store")
TEXT = "The miller's cat. 磨坊里的猫 👩‍🍳 naïve"


@pytest.fixture(autouse=True)
def no_children() -> Any:
    """Children end with the test that started them."""
    yield
    pool.close()


def post(client: Client, address: str, body: object) -> Any:
    return client.post(address, json.dumps(body), content_type="application/json")


def upload(client: Client, content: bytes, **fields: Any) -> Any:
    return client.post("/api/v1/tokenizers", {"file": SimpleUploadedFile("a file", content), **fields})


def bench(client: Client, *ids: str, text: str = TEXT, **params: Any) -> Any:
    return post(client, "/api/v1/exhibits/tokens/bench", {"text": text, "tokenizers": list(ids), **params})


def shown(answer: Any) -> str:
    """The tokens' share of the text, joined."""
    return bytes.fromhex("".join(token["bytes"] for token in answer["tokens"])).decode()


def test_the_shelf_offers_the_starters(client_of_ada: Client) -> None:
    items = client_of_ada.get("/api/v1/shelf").json()["items"]
    assert [item["id"] for item in items] == list(starter.names())
    assert {"word", "character", "byte", "bpe", "wordpiece", "unigram"} == {item["algorithm"] for item in items}


def test_the_bench_answers_for_each_tokenizer_in_order(client_of_ada: Client) -> None:
    answer = bench(client_of_ada, "byte", "bpe-mixed")
    assert answer.status_code == 200
    found = answer.json()["tokenizers"]
    assert [item["id"] for item in found] == ["byte", "bpe-mixed"]
    assert [token["id"] for token in found[0]["tokens"]] == list(TEXT.encode())
    for item in found:
        assert shown(item) == TEXT
        assert {"id", "text", "start", "end", "bytes", "special"} <= set(item["tokens"][0])
        assert item["counts"]["tokens"] == len(item["tokens"])


def test_an_unknown_tokenizer_is_not_found(client_of_ada: Client) -> None:
    assert bench(client_of_ada, "no-such").status_code == 404
    assert bench(client_of_ada, "00000000-0000-4000-8000-000000000000").status_code == 404


def test_an_uploaded_tokenizer_is_opened_in_the_child_and_cuts_as_the_library_does(client_of_ada: Client) -> None:
    content = (starter.FOLDER / "bpe-en.json").read_bytes()
    row = upload(client_of_ada, content).json()
    found = bench(client_of_ada, row["id"], "bpe-en").json()["tokenizers"]
    assert found[0]["tokens"] == found[1]["tokens"]
    assert row["id"] in [item["id"] for item in client_of_ada.get("/api/v1/shelf").json()["items"]]


def test_nobody_else_can_use_it(client_of_ada: Client, as_user: SignedIn, other: Any) -> None:
    row = upload(client_of_ada, (starter.FOLDER / "bpe-en.json").read_bytes()).json()
    assert bench(as_user(other), row["id"]).status_code == 404


def test_a_vocabulary_with_merges_becomes_a_tokenizer(client_of_ada: Client) -> None:
    spec = json.loads((starter.FOLDER / "bpe-en.json").read_text())
    merges = "#version: 0.2\n" + "\n".join(" ".join(pair) for pair in spec["model"]["merges"]) + "\n"
    fields = {"merges": SimpleUploadedFile("merges.txt", merges.encode())}
    row = upload(client_of_ada, json.dumps(spec["model"]["vocab"]).encode(), **fields).json()
    assert row["meta"]["format"] == "vocabulary and merges"
    found = bench(client_of_ada, row["id"], "bpe-en").json()["tokenizers"]
    assert found[0]["tokens"] == found[1]["tokens"]
    assert client_of_ada.get(f"/api/v1/tokenizers/{row['id']}/download").status_code == 200


def test_a_rank_file_becomes_a_tokenizer(client_of_ada: Client) -> None:
    ranks = {bytes([value]): value for value in range(256)} | {b"th": 256, b"the": 257, "猫".encode()[:2]: 258}
    lines = b"\n".join(base64.b64encode(piece) + b" %d" % rank for piece, rank in ranks.items())
    row = upload(client_of_ada, lines).json()
    answer = bench(client_of_ada, row["id"], text="the 猫").json()["tokenizers"][0]
    assert [token["id"] for token in answer["tokens"]] == [257, 32, 258, 0xAB]
    assert shown(answer) == "the 猫"


def sentencepiece_model() -> bytes:
    """A small model of the sentencepiece library."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["the cat sees the other cat", "the other cat sleeps"] * 20),
        model_writer=written,
        vocab_size=30,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return written.getvalue()


def test_a_sentencepiece_model_is_kept_as_it_is(client_of_ada: Client) -> None:
    content = sentencepiece_model()
    row = upload(client_of_ada, content).json()
    assert row["meta"]["format"] == "sentencepiece"
    library = sentencepiece.SentencePieceProcessor(model_proto=content)
    answer = bench(client_of_ada, row["id"], text="the cat").json()["tokenizers"][0]
    assert [token["id"] for token in answer["tokens"]] == library.encode("the cat")
    download = client_of_ada.get(f"/api/v1/tokenizers/{row['id']}/download")
    assert int(download["Content-Length"]) == len(content)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b"[" * 100_000, b'{"version": "1.0"}', b'{"model": []}', b"\n\x00not a model",
        b"aGk= x\n", b"\xff\xfe", b'{"model": 1}', b'{"a": -1}',
    ],
    ids=range(12),
)  # fmt: skip
def test_what_is_no_tokenizer_is_refused_with_a_reason(client_of_ada: Client, content: bytes) -> None:
    answer = upload(client_of_ada, content)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_file")
    assert answer.json()["errors"][0]["field"] == "file"
    assert client_of_ada.get("/api/v1/tokenizers").json()["items"] == []


def test_a_file_that_kills_its_child_is_refused_and_leaves_nothing(
    client_of_ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("playground.web.apart.child.PATIENCE", 0.0)
    answer = upload(client_of_ada, (starter.FOLDER / "bpe-en.json").read_bytes())
    assert (answer.status_code, answer.json()["code"]) == (422, "too_slow")
    assert not Artifact.objects.exists()


def test_merges_that_do_not_fit_the_vocabulary_are_refused_with_the_line(client_of_ada: Client) -> None:
    fields = {"merges": SimpleUploadedFile("merges.txt", b"#version: 0.2\na b\nb c\n")}
    answer = upload(client_of_ada, b'{"a": 0, "b": 1, "ab": 2}', **fields)
    assert "line 3" in answer.json()["errors"][0]["message"]


def test_a_text_that_keeps_the_child_busy_ends_the_child_and_nothing_else(
    client_of_ada: Client, as_user: SignedIn, other: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("playground.web.apart.child.PATIENCE", 0.0)
    answer = post(client_of_ada, "/api/v1/exhibits/tokens/bpe", {"text": "ab " * 50_000, "merges": 10})
    assert (answer.status_code, answer.json()["code"]) == (422, "too_slow")
    monkeypatch.undo()
    assert bench(as_user(other), "bpe-mixed").status_code == 200
    assert post(client_of_ada, "/api/v1/exhibits/tokens/bpe", {"text": "ab " * 5_000, "merges": 10}).status_code == 200


def test_a_child_outlives_the_thread_that_started_it() -> None:
    request = {"verb": "exhibit", "wing": "tokens", "slug": "units", "params": {}, "shelf": {}}
    with ThreadPoolExecutor(1) as first:
        first.submit(pool.ask, "somebody", request).result()
    started = list(psutil.Process().children())
    time.sleep(0.2)
    with ThreadPoolExecutor(1) as second:
        second.submit(pool.ask, "somebody", request).result()
    assert [child.pid for child in psutil.Process().children()] == [child.pid for child in started]


def test_a_tokenizer_without_words_in_common_still_shows_the_text(client_of_ada: Client) -> None:
    library = Tokenizer(models.WordLevel({"[UNK]": 0, "cat": 1}, unk_token="[UNK]"))
    library.pre_tokenizer = pre_tokenizers.Whitespace()
    row = upload(client_of_ada, library.to_str().encode()).json()
    counts = bench(client_of_ada, row["id"], text="a cat").json()["tokenizers"][0]["counts"]
    assert (counts["tokens"], counts["unknown"]) == (2, 1)


def test_a_sentencepiece_model_is_refused_for_training_at_its_field(client_of_ada: Client) -> None:
    corpus = client_of_ada.post("/api/v1/corpora", {"file": SimpleUploadedFile("a.txt", b"the cat " * 500)}).json()
    row = upload(client_of_ada, sentencepiece_model()).json()
    params = {"corpus": corpus["id"], "tokenizer": row["id"]}
    for address in ("/api/v1/jobs", "/api/v1/jobs/estimate"):
        answer = post(client_of_ada, address, {"kind": "clm", "params": params})
        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert error["field"] == "params.tokenizer"
        assert "SentencePiece model" in error["message"]


def test_a_hundred_megabytes_of_merges_are_refused_with_the_limit(client_of_ada: Client) -> None:
    fields = {"merges": SimpleUploadedFile("merges.txt", b"#version: 0.2\n" + b"a b\n" * (25 << 20))}
    answer = upload(client_of_ada, b'{"a": 0, "b": 1, "ab": 2}', **fields)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert not Artifact.objects.exists()


@pytest.mark.parametrize("shape", sorted(PANICS))
def test_what_makes_the_library_panic_is_refused_with_a_reason(client_of_ada: Client, shape: str) -> None:
    answer = upload(client_of_ada, crafted(**PANICS[shape]).encode())
    assert answer.status_code == 422
    assert len(answer.json()["errors"][0]["message"]) > 20
    assert bench(client_of_ada, "bpe-mixed").status_code == 200


def test_half_a_surrogate_pair_is_refused_at_its_field(client_of_ada: Client) -> None:
    body = b'{"text": "a\\ud800b", "tokenizers": ["byte"]}'
    answer = client_of_ada.post("/api/v1/exhibits/tokens/bench", body, content_type="application/json")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "text"
