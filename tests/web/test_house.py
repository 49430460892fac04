"""`me`, `health`, `catalogue`, and the OpenAPI document."""

import json
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client

from playground.domain.registry import exhibits, kinds
from playground.ledger import presence
from playground.ledger.claim import claim
from playground.library.models import Artifact
from playground.people.models import User
from playground.web.api.urls import document
from tests.conftest import SignedIn
from tests.web.conftest import queue


def test_me_says_who_and_how_much(client_of_ada: Client) -> None:
    found = client_of_ada.get("/api/v1/me").json()
    assert (found["name"], found["role"], found["language"]) == ("ada", "member", "en")
    assert found["limits"]["max_corpus_bytes"] == settings.MAX_CORPUS_BYTES


def test_health_is_for_all_but_details_are_not(db: None, user: User, as_user: SignedIn) -> None:
    presence.announce("host-17", "train", memory=1 << 30, device="cpu", threads=2, host="h", pid=1, speed=[])
    stranger, ada = Client().get("/api/v1/health").json(), as_user(user).get("/api/v1/health").json()
    assert stranger["status"] == ada["status"] == "ok"
    assert [worker["name"] for worker in ada["workers"]] == ["host-17"]
    assert [(worker["queue"], worker["name"]) for worker in stranger["workers"]] == [("train", "train")]
    assert stranger["workers"][0]["seen_s"] < 60


def test_the_queue_tells_what_runs_where(client_of_ada: Client, user: User, corpus: Artifact) -> None:
    device = {"name": "cuda:0", "memory": 8 << 30, "free": 2 << 30, "places": 4, "runs": 1}
    presence.announce("w", "train", device="cuda:0", devices=[device])
    job = queue(user, corpus)
    claim("w", device="cuda:0")
    found = client_of_ada.get("/api/v1/queue").json()
    assert found["workers"][0]["devices"] == [device]
    assert [(row["id"], row["device"]) for row in found["running"]] == [(str(job.pk), "cuda:0")]
    assert Client().get("/api/v1/health").json()["workers"][0]["devices"] == []


def test_the_catalogue_lists_every_kind_and_exhibit(client_of_ada: Client) -> None:
    found = client_of_ada.get("/api/v1/catalogue").json()
    assert {kind["name"] for kind in found["kinds"]} == set(kinds())
    assert {(wing["slug"], item["slug"]) for wing in found["wings"] for item in wing["exhibits"]} == set(exhibits())
    clm = next(kind for kind in found["kinds"] if kind["name"] == "clm")
    assert clm["presets"]["1m"]["parameters"] > 900_000
    assert clm["params"]["properties"]["batch_size"]["minimum"] == 1


def test_the_catalogue_translates_words_but_no_names(client_of_ada: Client) -> None:
    english = client_of_ada.get("/api/v1/catalogue").json()["kinds"]
    chinese = client_of_ada.get("/api/v1/catalogue", headers={"accept-language": "zh-hans"}).json()["kinds"]
    assert [set(kind["params"]["properties"]) for kind in english] == [
        set(kind["params"]["properties"]) for kind in chinese
    ]
    assert [kind["presets"] for kind in english] == [kind["presets"] for kind in chinese]


def test_the_document_is_openapi_and_its_references_lead_somewhere(db: None) -> None:
    found = document()
    assert found["openapi"].startswith("3.1")
    schemas = found["components"]["schemas"]
    text = json.dumps(found, default=str)
    wanted = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert wanted <= set(schemas)
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            assert "application/problem+json" in operation["responses"]["default"]["content"], (path, method)
            assert operation["operationId"]
    ids = [operation["operationId"] for methods in found["paths"].values() for operation in methods.values()]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("exhibit", sorted(exhibits()), ids="/".join)
def test_every_exhibit_is_typed(exhibit: tuple[str, str]) -> None:
    operation = document()["paths"][f"/api/v1/exhibits/{exhibit[0]}/{exhibit[1]}"]["post"]
    assert operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("Params")
    assert operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith("Result")


def test_the_document_is_served_and_exported_alike(db: None) -> None:
    out = StringIO()
    call_command("export_openapi", stdout=out)
    assert json.loads(out.getvalue()) == Client().get("/api/v1/openapi.json").json()


def test_the_documentation_page_uses_our_own_files_only(client_of_ada: Client) -> None:
    page = client_of_ada.get("/api/docs")
    assert page.status_code == 200
    assert b"https://" not in page.content
    assert b"/static/ninja/swagger-ui" in page.content
