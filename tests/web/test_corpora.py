"""Corpora over the API: taken, listed, renamed, previewed, downloaded, deleted, refused."""

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from playground.ledger.models import Job
from playground.library.models import Artifact
from tests.web.test_errors import problem

pytestmark = pytest.mark.usefixtures("clean_store")
URL = "/api/v1/corpora"
TEXT = "First line.\n第二行。\n"


def upload(client: Client, content: bytes, filename: str = "plays.txt", **fields: Any) -> Any:
    """Upload a file as a browser does."""
    return client.post(URL, {"file": SimpleUploadedFile(filename, content), **fields})


def body_of(response: Any) -> bytes:
    """What a streamed response sends."""

    async def collect() -> bytes:
        return b"".join([piece async for piece in response.streaming_content])

    return async_to_sync(collect)()


def test_a_text_is_taken_and_described(client_of_ada: Client) -> None:
    response = upload(client_of_ada, TEXT.encode(), name="两行 <b>lines</b>")
    assert response.status_code == 201
    found = response.json()
    assert found["name"] == "两行 <b>lines</b>"
    assert found["sha256"] == hashlib.sha256(TEXT.encode()).hexdigest()
    assert (found["bytes"], found["characters"], found["lines"]) == (len(TEXT.encode()), len(TEXT), 2)
    assert set(found["language_mix"]) == {"latin", "han"}
    assert (found["shared"], found["in_use"]) == (False, 0)
    assert client_of_ada.get(found["url"]).json() == found
    assert client_of_ada.get(URL).json() == {"items": [found]}


def test_without_a_name_it_has_the_files(client_of_ada: Client) -> None:
    assert upload(client_of_ada, TEXT.encode(), "../war and peace.txt").json()["name"] == "war and peace"


def test_the_same_content_again_is_the_same_corpus(client_of_ada: Client) -> None:
    first, again = upload(client_of_ada, TEXT.encode()), upload(client_of_ada, TEXT.encode(), "other.txt")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "0 bytes"),
        (b" \n ", "no visible character"),
        (b"ok \xff\xfe", "offset 3"),
        (b"%PDF-1.4 \xe2\xe3", "PDF"),
        (b"a\0b", "offset 1"),
    ],
)
def test_what_is_not_text_is_refused_and_leaves_nothing(
    client_of_ada: Client, tmp_path: Path, content: bytes, word: str
) -> None:
    found = problem(upload(client_of_ada, content))
    assert found.status == 422
    assert [error.field for error in found.errors] == ["file"]
    assert word in found.errors[0].message
    assert not Artifact.objects.exists()
    assert not list((tmp_path / "store").glob("**/*.txt"))
    assert not list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir())


@pytest.mark.parametrize("name", ["", "x" * 201, "x" * 10_000, "a\x07b"])
def test_a_bad_name_is_refused(client_of_ada: Client, name: str) -> None:
    found = problem(upload(client_of_ada, TEXT.encode(), name=name))
    assert [error.field for error in found.errors] == ["name"]
    assert not Artifact.objects.exists()


def test_a_form_without_a_file_or_with_more_is_refused(client_of_ada: Client) -> None:
    assert [error.field for error in problem(client_of_ada.post(URL, {"name": "x"})).errors] == ["file"]
    found = problem(upload(client_of_ada, TEXT.encode(), owner="1", priority="9"))
    assert [error.field for error in found.errors] == ["owner", "priority"]
    two = [SimpleUploadedFile(name, b"text") for name in "ab"]
    assert problem(client_of_ada.post(URL, {"file": two})).status == 422
    assert (
        problem(client_of_ada.post(URL, "not multipart", content_type="multipart/form-data; boundary=x")).status < 500
    )


def test_a_corpus_over_the_limit_is_refused(client_of_ada: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "MAX_CORPUS_BYTES", 10)
    assert problem(upload(client_of_ada, b"x" * 11)).status == 413
    assert not Artifact.objects.exists()


def test_it_is_renamed_but_never_changed(client_of_ada: Client, corpus: Artifact) -> None:
    url = f"{URL}/{corpus.pk}"
    found = client_of_ada.patch(url, {"name": "New 名字"}, content_type="application/json").json()
    assert (found["name"], found["sha256"]) == ("New 名字", corpus.sha256)
    for name in ("", "x" * 5000, 5, None):
        refused = problem(client_of_ada.patch(url, {"name": name}, content_type="application/json"))
        assert [error.field for error in refused.errors] == ["name"]
    refused = problem(client_of_ada.patch(url, {"name": "x", "sha256": "y"}, content_type="application/json"))
    assert [error.field for error in refused.errors] == ["sha256"]


def test_any_place_of_it_can_be_looked_at(client_of_ada: Client) -> None:
    url = upload(client_of_ada, TEXT.encode()).json()["url"] + "/preview"
    text, at, total = "", 0, 1
    while at < total:
        page = client_of_ada.get(f"{url}?offset={at}&length=3").json()
        text, at, total = text + page["text"], page["next"], page["total"]
    assert text == TEXT
    assert client_of_ada.get(f"{url}?offset=99999999").json()["text"] == ""
    for query in ("offset=-1", "length=0", "length=10000000", "offset=x", "offset=1e3"):
        assert problem(client_of_ada.get(f"{url}?{query}")).status == 422


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["plays", "<script>.html", 'a"b\\c', "唐诗", "x" * 200, "..", "report.exe"])
def test_a_download_is_never_shown_inline(client_of_ada: Client, name: str) -> None:
    url = upload(client_of_ada, TEXT.encode(), name=name).json()["url"]
    response = client_of_ada.get(f"{url}/download")
    assert body_of(response) == TEXT.encode()
    assert response["content-type"] == "text/plain; charset=utf-8"
    assert response["content-disposition"].startswith("attachment")
    assert response["content-length"] == str(len(TEXT.encode()))
    assert response["content-security-policy"] == "sandbox"
    assert response["x-content-type-options"] == "nosniff"
    assert not set("\r\n\0") & set(response["content-disposition"])


def test_it_is_deleted_unless_a_run_reads_it(client_of_ada: Client, corpus: Artifact, job: Job) -> None:
    url = f"{URL}/{corpus.pk}"
    assert client_of_ada.get(url).json()["in_use"] == 1
    refused = problem(client_of_ada.delete(url))
    assert (refused.status, refused.code) == (409, "in_use")
    assert "Foxes run" in refused.detail
    client_of_ada.post(f"/api/v1/jobs/{job.pk}/stop")
    assert client_of_ada.delete(url).status_code == 204
    assert client_of_ada.get(url).status_code == 404
    assert client_of_ada.get(f"/api/v1/jobs/{job.pk}").json()["inputs"] == {"corpus": {"id": None, "name": "Foxes"}}


def test_content_that_the_store_has_lost_is_not_found(client_of_ada: Client, corpus: Artifact, tmp_path: Path) -> None:
    for path in sorted((tmp_path / "store").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    assert problem(client_of_ada.get(f"{URL}/{corpus.pk}/preview")).status == 404
    assert problem(client_of_ada.get(f"{URL}/{corpus.pk}/download")).status == 404


def test_raw_bodies_are_no_uploads(client_of_ada: Client) -> None:
    response = client_of_ada.generic("POST", URL, io.BytesIO(b"text").getvalue(), content_type="text/plain")
    assert problem(response).status == 415


ROWS = b'\n{"instruction": "Who?", "input": "A letter.", "output": "Ada."}\n{"instruction": "x", "output": "y"}\n'


def test_the_first_row_is_written_by_a_template(client_of_ada: Client) -> None:
    made = upload(client_of_ada, ROWS, "rows.jsonl").json()
    assert made["meta"]["jsonl"]["forms"] == {"alpaca": 2}

    def written(**body: str) -> Any:
        return client_of_ada.post(f"{made['url']}/example", body, content_type="application/json")

    found = written(template="Q {instruction}{#input} ({input}){/input}\nA {output}").json()
    assert found["row"] == 2
    assert found["spans"] == [
        {"text": "Q Who? (A letter.)\nA ", "learned": False},
        {"text": "Ada.", "learned": True},
    ]
    assert "### Response:" in written().json()["template"]
    refused = problem(written(template="{instruction}"))
    assert [error.field for error in refused.errors] == ["template"]
    assert "Row 2 of the corpus lacks the key prompt" in problem(written(rows="plain")).detail


def test_a_text_without_rows_has_no_example(client_of_ada: Client) -> None:
    made = upload(client_of_ada, TEXT.encode()).json()
    assert made["meta"]["jsonl"] == {}
    answer = client_of_ada.post(f"{made['url']}/example", {}, content_type="application/json")
    assert "Row 1 of the corpus is not a JSON object." in problem(answer).detail
