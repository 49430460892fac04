"""The pages: which island each mounts, in which language, under which content policy; and the way in and out."""

import re
import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from playground.ledger.models import Job
from playground.library.models import Artifact, Kind
from playground.people import attempts, links
from playground.people.models import SignInLink, User
from tests.conftest import SignedIn

PAGES = {
    "/": "Gallery",
    "/wings/prediction/": "Gallery",
    "/exhibits/prediction/next/": "ExhibitPage",
    "/train/": "NewRun",
    "/train/?kind=clm": "NewRun",
    "/runs/": "Runs",
    "/library/": "Library",
    "/library/?tab=models": "Library",
}
NONCE = re.compile(r"'nonce-([^']+)'")


@pytest.fixture
def ada(user: User) -> Client:
    """Ada's browser."""
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize(("path", "island"), PAGES.items())
def test_a_page_mounts_its_island(ada: Client, path: str, island: str) -> None:
    page = ada.get(path)
    assert page.status_code == 200
    assert f'data-island="{island}"' in page.content.decode()


def test_a_run_and_a_model_have_their_pages(ada: Client, user: User, job: Job) -> None:
    model = Artifact.objects.create(kind=Kind.MODEL, owner=user, name="<b>GPT</b>", sha256="0" * 64, bytes=1)
    Job.objects.filter(pk=job.pk).update(name="<script>alert(1)</script>")
    page = ada.get(f"/runs/{job.pk}/").content.decode()
    assert 'data-island="RunPage"' in page
    assert str(job.pk) in page
    assert "<script>alert" not in page
    page = ada.get(f"/models/{model.pk}/talk/").content.decode()
    assert 'data-island="Talk"' in page
    assert "<b>GPT" not in page


@pytest.mark.parametrize(
    "path",
    [
        "/nothing/",
        "/wings/nothing/",
        "/exhibits/prediction/nothing/",
        "/train/?kind=alchemy",
        "/library/?tab=secrets",
        f"/runs/{uuid.uuid4()}/",
        f"/models/{uuid.uuid4()}/talk/",
        "/runs/not-a-uuid/",
    ],
)
def test_what_is_not_there_is_a_friendly_404(ada: Client, path: str) -> None:
    page = ada.get(path)
    assert page.status_code == 404
    assert page["content-type"].startswith("text/html")


@pytest.mark.parametrize("path", [*PAGES, "/sign-in/", "/nothing/", "/api/v1/me", "/api/v1/nothing"])
def test_every_answer_carries_the_policies(ada: Client, path: str) -> None:
    page = ada.get(path)
    directives = dict(part.strip().partition(" ")[::2] for part in page["content-security-policy"].split(";"))
    assert directives["default-src"] == directives["frame-ancestors"] == directives["base-uri"] == "'none'"
    assert directives["connect-src"] == directives["form-action"] == "'self'"
    for name in ("script-src", "style-src"):
        assert "unsafe" not in directives[name]
        assert all(part == "'self'" or NONCE.fullmatch(part) for part in directives[name].split())
    assert "http" not in page["content-security-policy"]
    assert page["x-content-type-options"] == "nosniff"
    assert page["x-frame-options"] == "DENY"
    assert page["referrer-policy"] == "same-origin"
    assert page["cross-origin-opener-policy"] == "same-origin"


def test_no_page_has_an_inline_script_without_nonce(ada: Client) -> None:
    for path in PAGES:
        text = ada.get(path).content.decode()
        for tag in re.findall(r"<script[^>]*>", text):
            assert "src=" in tag or "application/json" in tag or "nonce=" in tag
        assert not re.search(r"\son\w+=|javascript:", text)


def test_the_rail_counts_and_the_language_changes(ada: Client, job: Job) -> None:
    assert b"See-through" in ada.get("/").content or b"see-through" in ada.get("/").content
    response = ada.post("/i18n/setlang/", {"language": "zh-hans", "next": "/library/"})
    assert response["location"] == "/library/"
    page = ada.get("/library/").content.decode()
    assert 'lang="zh-hans"' in page
    assert "资料库" in page
    assert ada.post("/i18n/setlang/", {"language": "en", "next": "https://evil.example/"})["location"] == "/"


def test_a_link_signs_in_and_leaves_no_token_in_the_address(user: User) -> None:
    client, secret = Client(), links.make(user)
    response = client.get(f"/?token={secret}")
    assert (response.status_code, response["location"]) == (302, "/")
    assert client.get("/api/v1/me").json()["name"] == "ada"
    assert client.get(f"/?token={secret}")["location"] == "/"
    again = Client().get(f"/?token={secret}", follow=True)
    assert again.redirect_chain == [("/sign-in/?link=failed", 302)]
    assert "used already" in again.content.decode()


def test_an_expired_link_and_a_wrong_one_say_so(user: User) -> None:
    secret = links.make(user)
    SignInLink.objects.update(expires_at=timezone.now() - timedelta(hours=1))
    for token in (secret, "", "x" * 5000, "\x00"):
        assert Client().get("/", {"token": token})["location"] == "/sign-in/?link=failed"


def test_the_session_changes_when_somebody_signs_in(user: User) -> None:
    client = Client()
    client.get("/sign-in/")
    client.session["planted"] = "x"
    before = client.session.session_key
    client.get(f"/?token={links.make(user)}")
    assert client.session.session_key != before


def test_a_password_signs_in_and_leads_on_within_the_site(user: User) -> None:
    form = {"username": "ada", "password": "difference engine"}
    assert Client().post("/sign-in/", {**form, "next": "/runs/?x=1"})["location"] == "/runs/?x=1"
    for elsewhere in ("https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example"):
        assert Client().post("/sign-in/", {**form, "next": elsewhere})["location"] == "/"


def test_a_wrong_password_does_not_and_six_of_them_lock(user: User) -> None:
    form = {"username": "ada", "password": "wrong"}
    for _ in range(attempts.MAX_FAILURES):
        assert Client().post("/sign-in/", form).status_code == 403
    right = {"username": "ada", "password": "difference engine"}
    assert Client().post("/sign-in/", right).status_code == 429
    assert Client(REMOTE_ADDR="10.0.0.9").post("/sign-in/", right).status_code == 302


@pytest.mark.parametrize("name", ["", "x" * 100_000, "a\x00b", "<script>"])
def test_odd_names_do_not_sign_in(user: User, name: str) -> None:
    assert Client().post("/sign-in/", {"username": name, "password": "x"}).status_code in (400, 403, 413)


def test_forms_need_a_csrf_token(user: User) -> None:
    client = Client(enforce_csrf_checks=True)
    for path in ("/sign-in/", "/sign-out/", "/i18n/setlang/"):
        page = client.post(path, {"username": "ada", "password": "difference engine", "language": "en"})
        assert page.status_code == 403


def test_signing_out_ends_the_session(ada: Client) -> None:
    assert ada.get("/sign-out/").status_code == 405
    ada.post("/sign-out/")
    assert ada.get("/api/v1/me").status_code == 401


def test_a_token_opens_pages_too(user: User, as_user: SignedIn) -> None:
    assert as_user(user).get("/runs/").status_code == 200
