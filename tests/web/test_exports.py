"""Exports over the API: offered, asked for once, refused in words, downloaded; the worker here is a Redis list."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.test import Client

from playground.ledger import presence
from playground.library import artifacts, exports
from playground.library.models import Artifact, Kind
from playground.people.models import User
from tests.conftest import SignedIn
from tests.web.site import Site
from tests.web.test_errors import problem

pytestmark = pytest.mark.usefixtures("clean_store")


@pytest.fixture
def line(site: Site) -> Iterator["redis.Redis"]:
    """Redis with an inspect worker that is seen and does nothing."""
    presence.announce("i1", "inspect", memory=1 << 30, device="cpu", threads=1, host="h", pid=1, speed=[])
    client = redis.Redis.from_url(settings.REDIS_URL, decode_responses=True)
    yield client
    client.flushdb()
    client.close()


def model(owner: User, sha256: str = "a" * 64, **meta: Any) -> Artifact:
    """A model of the library; nobody opens it here."""
    about = {"architecture": "llama", **meta}
    return Artifact.objects.create(kind=Kind.MODEL, owner=owner, name="GPT <b>", sha256=sha256, bytes=1, meta=about)


def ask(client: Client, row: Artifact, form: Any) -> Any:
    """POST a request for a form."""
    return client.post(address(row), json.dumps({"format": form}), content_type="application/json")


def address(row: Artifact, form: str = "") -> str:
    """Where the forms of a model are."""
    return f"/api/v1/models/{row.pk}/exports" + (f"/{form}" if form else "")


def states(client: Client, row: Artifact) -> dict[str, str]:
    """The state of each form."""
    return {item["format"]: item["state"] for item in client.get(address(row)).json()["items"]}


def make(row: Artifact, form: str, tmp_path: Path, *files: str) -> None:
    """Do the worker's part."""
    folder = tmp_path / form
    folder.mkdir()
    for name in files:
        (folder / name).write_bytes(b"GGUF" + name.encode())
    exports.keep(exports.key(row.sha256, form), folder)


def test_a_form_is_asked_for_once(client_of_ada: Client, user: User, line: "redis.Redis", tmp_path: Path) -> None:
    row = model(user)
    assert set(states(client_of_ada, row).values()) == {"absent", "impossible"}
    first, again = (ask(client_of_ada, row, "gguf-q8_0") for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["state"] == again.json()["state"] == "waiting"
    (message,) = line.lrange("inspect", 0, -1)
    name, body = json.loads(base64.b64decode(json.loads(message)["body"]))[0]
    assert name == exports.key(row.sha256, "gguf-q8_0")
    assert body == {
        "verb": "export",
        "model": {"sha256": row.sha256},
        "params": {"format": "gguf-q8_0", "name": "GPT <b>"},
    }
    exports.tell(line, name, "running", progress=0.25)
    found = next(item for item in client_of_ada.get(address(row)).json()["items"] if item["state"] == "running")
    assert (found["format"], found["progress"], found["bytes"]) == ("gguf-q8_0", 0.25, None)
    assert problem(client_of_ada.get(found["url"])).code == "not_made"
    make(row, "gguf-q8_0", tmp_path, "model.gguf")
    assert ask(client_of_ada, row, "gguf-q8_0").json()["bytes"] == 14
    assert line.llen("inspect") == 1
    answer = client_of_ada.get(found["url"])
    assert answer["content-length"] == "14"
    assert 'filename="GPT _b_ Q8_0.gguf"' in answer["content-disposition"]


def test_a_failure_is_told_and_may_be_tried_again(client_of_ada: Client, user: User, line: "redis.Redis") -> None:
    row = model(user)
    exports.tell(line, exports.key(row.sha256, "gguf-f16"), "failed", message="It broke.")
    found = next(item for item in client_of_ada.get(address(row)).json()["items"] if item["format"] == "gguf-f16")
    assert (found["state"], found["message"]) == ("failed", "It broke.")
    assert ask(client_of_ada, row, "gguf-f16").json()["state"] == "waiting"


@pytest.mark.parametrize(("architecture", "said"), [("bert", "masked model"), ("gpt_neox", "architecture"), (None, "")])
def test_what_llama_cpp_does_not_know_is_refused(
    client_of_ada: Client, user: User, line: "redis.Redis", architecture: str | None, said: str
) -> None:
    row = model(user, architecture=architecture)
    refused = problem(ask(client_of_ada, row, "gguf-f16"))
    assert (refused.status, refused.code) == (422, "no_such_form")
    assert said in refused.errors[0].message
    assert states(client_of_ada, row)["gguf-f16"] == "impossible"
    assert line.llen("inspect") == 0


@pytest.mark.parametrize("form", ["gguf-q9", "", "hf", "../../etc/passwd", 7, None])
def test_an_unknown_form_is_refused(client_of_ada: Client, user: User, line: "redis.Redis", form: Any) -> None:
    assert problem(ask(client_of_ada, model(user), form)).errors[0].field == "format"
    assert problem(client_of_ada.get(address(model(user, "b" * 64), "gguf-q9"))).status == 404


def test_without_a_worker_nobody_waits(client_of_ada: Client, user: User, site: Site) -> None:
    refused = problem(ask(client_of_ada, model(user), "gguf-f16"))
    assert (refused.status, refused.code) == (503, "no_worker")


def test_other_peoples_models_are_not_found(
    client_of_ada: Client, other: User, as_user: SignedIn, user: User, line: "redis.Redis", tmp_path: Path
) -> None:
    row = model(user)
    make(row, "gguf-f16", tmp_path, "model.gguf")
    stranger = as_user(other)
    assert problem(stranger.get(address(row))).status == 404
    assert problem(ask(stranger, row, "gguf-f16")).status == 404
    assert problem(stranger.get(address(row, "gguf-f16"))).status == 404
    assert Client().get(address(row, "gguf-f16")).status_code == 401


def test_a_folder_comes_as_a_zip(client_of_ada: Client, user: User, line: "redis.Redis", tmp_path: Path) -> None:
    row = model(user, adapter=True)
    make(row, "merged", tmp_path, "config.json", "model.safetensors")
    answer = client_of_ada.get(address(row, "merged"))
    assert answer["content-type"] == "application/zip"


def test_a_deleted_model_takes_its_forms_along(user: User, site: Site, tmp_path: Path) -> None:
    row = model(user)
    make(row, "gguf-f16", tmp_path, "model.gguf")
    artifacts.delete(row)
    assert exports.size_of(exports.key(row.sha256, "gguf-f16")) is None
