"""Whatever goes wrong under /api/ is one problem document, complete and without a word from inside."""

import json
from typing import Any

import pytest
from django.test import Client

from playground.ledger.models import Job
from playground.library.models import Artifact
from playground.people.models import User
from playground.web import catalogue
from playground.web.problems import ProblemDocument, encode
from playground.web.words import field_message
from tests.conftest import SignedIn


def problem(response: Any) -> ProblemDocument:
    """The document of a response, checked to be one."""
    assert response["content-type"] == "application/problem+json"
    assert response["x-content-type-options"] == "nosniff"
    found = ProblemDocument.model_validate_json(response.content)
    assert found.status == response.status_code
    for word in (b"Traceback", b'File "', b"/playground/", b"SELECT"):
        assert word not in response.content
    return found


def post(client: Client, body: str, content_type: str = "application/json") -> Any:
    """POST jobs with a raw body."""
    return client.generic("POST", "/api/v1/jobs", body, content_type=content_type)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 422),
        ("{", 400),
        ("nonsense", 400),
        ('{"kind": NaN}', 400),
        ('{"kind": "clm", "kind": "clm", "params": {}}', 400),
        ("[" * 50_000, 400),
        ("[]", 422),
        ("null", 422),
        ('"text"', 422),
        ('{"kind": 1, "params": []}', 422),
        ('{"kind": "clm", "params": {"corpus": "\\ud800"}}', 422),
        ('{"kind": "' + "x" * 10_000 + '", "params": {}}', 422),
        ('{"kind": "clm", "params": {"steps": ' + "9" * 5000 + "}}", 400),
    ],
)
def test_malformed_bodies(client_of_ada: Client, body: str, status: int) -> None:
    assert problem(post(client_of_ada, body)).status == status


def test_the_wrong_content_type(client_of_ada: Client) -> None:
    assert problem(post(client_of_ada, '{"kind": "clm"}', "text/plain")).status == 415


def test_an_unknown_address_and_method(client_of_ada: Client) -> None:
    assert problem(client_of_ada.get("/api/v1/nothing")).status == 404
    assert problem(client_of_ada.get("/api/v1/jobs/not-a-uuid")).status == 404
    refused = client_of_ada.put("/api/v1/jobs")
    assert problem(refused).status == 405
    assert set(refused["allow"].split(", ")) == {"GET", "POST"}


def test_unknown_and_bad_parameters_of_the_address(client_of_ada: Client) -> None:
    found = problem(client_of_ada.get("/api/v1/jobs?owner__password__startswith=a&is_staff=1"))
    assert [error.field for error in found.errors] == ["is_staff", "owner__password__startswith"]
    found = problem(client_of_ada.get("/api/v1/jobs?limit=100000"))
    assert [error.field for error in found.errors] == ["limit"]
    found = problem(client_of_ada.get("/api/v1/jobs?status=asleep"))
    assert [error.field for error in found.errors] == ["status"]


def test_every_bad_field_is_named_at_once(client_of_ada: Client) -> None:
    params = {
        "corpus": "6c12f81d-0e17-439f-8fe9-79f0c442fe4e",
        "tokenizer": "x",
        "preset": "9z",
        "steps": -1,
        "batch_size": "16",
        "learning_rate": -1,
        "seed": 1.5,
        "tie": 1,
        "dropout": None,
        "sample_prompt": "x" * 1_000_000,
        "trust_remote_code": True,
    }
    body = json.dumps({"kind": "clm", "params": params, "name": "a\x00b", "owner": 1})
    assert [error.field for error in problem(post(client_of_ada, body)).errors] == ["owner"]
    body = json.dumps({"kind": "clm", "params": params, "name": "a\x00b"})
    errors = problem(post(client_of_ada, body)).errors
    assert {error.field for error in errors} == {"name"} | {f"params.{field}" for field in params}
    assert all(0 < len(error.message) < 300 for error in errors)


@pytest.mark.parametrize("given", ["nope", [".*"], [3], 7])
def test_a_field_of_several_forms_has_its_own_name(client_of_ada: Client, given: object) -> None:
    """pydantic puts the name of each form behind the field's, which is no place in what was sent."""
    body = json.dumps({"kind": "lora_sft", "params": {"target_modules": given}})
    found = [error for error in problem(post(client_of_ada, body)).errors if "target" in error.field]
    assert {error.field for error in found} <= {"params.target_modules", "params.target_modules.0"}
    assert "This must be one of 'auto', 'all-linear'." in [error.message for error in found]


def test_a_limit_is_written_as_one_writes_it() -> None:
    assert field_message({"type": "greater_than", "msg": "", "ctx": {"gt": 0.0}}) == "This must be more than 0."
    assert field_message({"type": "less_than_equal", "msg": "", "ctx": {"le": 0.5}}) == "This must be at most 0.5."


def test_every_field_out_of_range_has_its_limit_in_the_message(client_of_ada: Client) -> None:
    schema = next(
        kind["params"] for kind in client_of_ada.get("/api/v1/catalogue").json()["kinds"] if kind["name"] == "clm"
    )
    params: dict[str, Any] = {}
    for name, field in schema["properties"].items():
        for option in [field, *field.get("anyOf", [])]:
            if "minimum" in option:
                params[name] = option["minimum"] - 1
            elif "exclusiveMinimum" in option:
                params[name] = option["exclusiveMinimum"]
    errors = problem(post(client_of_ada, json.dumps({"kind": "clm", "params": params}))).errors
    assert {error.field for error in errors} >= {f"params.{name}" for name in params}


def test_an_unforeseen_error_says_nothing_of_the_inside(
    user: User, as_user: SignedIn, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(row: Job) -> None:
        raise RuntimeError("the secret is /etc/vitrine/secret")

    monkeypatch.setattr("playground.web.api.jobs.job_json", fail)
    response = as_user(user).get(f"/api/v1/jobs/{job.pk}")
    assert problem(response).code == "internal"
    assert b"secret" not in response.content


def test_a_host_that_is_not_ours(db: None) -> None:
    assert problem(Client().get("/api/v1/health", headers={"host": "evil.example"})).status == 400


def test_documents_speak_the_readers_language(corpus: Artifact, client_of_ada: Client) -> None:
    response = client_of_ada.get("/api/v1/jobs?limit=0", headers={"accept-language": "zh-hans"})
    assert problem(response).errors[0].message == "必须至少为 1。"


def test_a_finished_sentence_is_found_again_in_the_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"Needs {n} GiB of memory.": "需要 {n} GiB 内存。", "Done.": "完成。", "{a} of {b}": "?"}
    monkeypatch.setattr(catalogue, "messages", lambda language: known)
    catalogue._patterns.cache_clear()
    assert catalogue.sentence("Needs 3.5 GiB of memory.") == "需要 3.5 GiB 内存。"
    assert catalogue.sentence("Done.") == "完成。"
    assert catalogue.sentence("Unknown.") == "Unknown."
    assert catalogue.sentence("one of two") == "one of two"
    assert catalogue.sentence("") == ""
    catalogue._patterns.cache_clear()


def test_an_error_type_of_pydantic_that_we_do_not_know_keeps_its_own_words() -> None:
    assert field_message({"type": "new_in_pydantic", "msg": "Value error, Odd."}) == "Odd."
    assert field_message({"type": "new_in_pydantic", "msg": ""})


def test_nan_is_never_sent() -> None:
    with pytest.raises(ValueError, match="JSON"):
        encode({"loss": float("nan")})
