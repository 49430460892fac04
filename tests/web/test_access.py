"""Every route declares its policy; strangers are turned away from all but a few; others' things do not exist."""

import uuid
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver
from ninja.operation import Operation

from playground.ledger.models import Job
from playground.library.models import Artifact
from playground.people import tokens
from playground.people.models import User
from playground.web.access import ANYONE, EACH_OPERATION, OWNER, SIGNED_IN, IdentityMiddleware, Policy, access
from playground.web.api import api
from playground.web.routing import patterns as socket_patterns
from tests.conftest import SignedIn

OPEN = {
    "/",
    "/sign-in/",
    "/sign-out/",
    "/i18n/setlang/",
    "/i18n/catalogue.json",
    "/api/v1/openapi.json",
    "/api/v1/health",
}
"""What strangers may ask for; anything added here is a decision."""


def routes(patterns: list[URLPattern | URLResolver], prefix: str = "/") -> Iterator[tuple[str, URLPattern]]:
    """Every address of the site with its pattern."""
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, path)
        else:
            yield path, pattern


def operations() -> Iterator[tuple[str, Operation]]:
    """Every API operation with its address."""
    for router in api._get_bound_routers():
        for path, view in router.path_operations.items():
            for operation in view.operations:
                yield f"/api/v1/{router.prefix}{path}".replace("//", "/"), operation


def address(path: str) -> str:
    """An address with something in its places."""
    for place in ("<uuid:id>", "<uuidstr:id>", "{uuidstr:id}", "{uuid:id}"):
        path = path.replace(place, str(uuid.uuid4()))
    for place in ("<int:step>", "{int:step}", "<int:sentence>", "{int:sentence}"):
        path = path.replace(place, "1")
    path = path.replace("<slug:wing>", "prediction").replace("<slug:slug>", "next")
    return path.replace("//", "/")


PAGES = [(path, pattern) for path, pattern in routes(get_resolver().url_patterns)]
OPERATIONS = list(operations())


@pytest.mark.parametrize(("path", "pattern"), PAGES, ids=[path for path, _ in PAGES])
def test_every_route_declares_a_policy(path: str, pattern: URLPattern) -> None:
    policy = getattr(pattern.callback, "access", None)
    assert isinstance(policy, Policy), f"{path} declares no access policy"
    assert (policy is EACH_OPERATION) == (path.startswith("/api/v1/") and "openapi" not in path)


@pytest.mark.parametrize(("path", "operation"), OPERATIONS, ids=[f"{o.methods[0]} {p}" for p, o in OPERATIONS])
def test_every_operation_declares_a_policy(path: str, operation: Operation) -> None:
    assert [type(policy) for policy in operation.auth_callbacks] == [Policy], f"{path} declares no access policy"
    assert (operation.auth_callbacks[0] is ANYONE) == (path in OPEN)


@pytest.mark.parametrize("pattern", socket_patterns, ids=str)
def test_every_websocket_declares_a_policy(pattern: URLPattern) -> None:
    assert isinstance(getattr(pattern.callback, "access", None), Policy)


@pytest.mark.parametrize(("path", "operation"), OPERATIONS, ids=[f"{o.methods[0]} {p}" for p, o in OPERATIONS])
def test_strangers_get_401_from_the_api(db: None, path: str, operation: Operation) -> None:
    response = Client().generic(operation.methods[0], address(path), content_type="application/json")
    if path in OPEN:
        assert response.status_code == 200
    else:
        assert response.status_code == 401
        assert response["content-type"] == "application/problem+json"
        assert response["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("path", "pattern"), PAGES, ids=[path for path, _ in PAGES])
def test_strangers_are_led_to_the_sign_in_page(db: None, path: str, pattern: URLPattern) -> None:
    if path.startswith("/api/v1/") or path in OPEN - {"/"}:
        return
    response = Client().get(address(path))
    assert response.status_code == 302
    assert response["location"].startswith("/sign-in/")


def test_a_view_without_policy_is_not_reachable(db: None) -> None:
    request = RequestFactory().get("/new/")
    request.user = AnonymousUser()
    with pytest.raises(PermissionError, match="policy"):
        IdentityMiddleware(lambda request: HttpResponse()).process_view(request, lambda request: None, (), {})


def test_an_operation_without_policy_stops_the_program() -> None:
    from playground.web.api.routes import Noun

    with pytest.raises(TypeError, match="policy"):
        Noun().get("/open")(lambda request: None)


def test_policies_decide_by_the_person(user: User) -> None:
    owner = User(username="owner", is_superuser=True)
    assert [policy.allows(None) for policy in (ANYONE, SIGNED_IN, OWNER)] == [True, False, False]
    assert [policy.allows(user) for policy in (ANYONE, SIGNED_IN, OWNER)] == [True, True, False]
    assert [policy.allows(owner) for policy in (ANYONE, SIGNED_IN, OWNER)] == [True, True, True]


def test_a_policy_is_kept_with_its_view() -> None:
    @access(OWNER)
    def view() -> None:
        """Nothing."""

    assert vars(view)["access"] is OWNER


OBJECTS = [(p, o) for p, o in OPERATIONS if "uuid" in p]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("path", "operation"), OBJECTS, ids=[f"{o.methods[0]} {p}" for p, o in OBJECTS])
def test_what_belongs_to_somebody_else_does_not_exist(
    path: str, operation: Operation, job: Job, corpus: Artifact, other: User, as_user: SignedIn
) -> None:
    for id in (job.pk, corpus.pk):
        target = path.replace("{uuidstr:id}", str(id)).replace("{uuid:id}", str(id))
        body = {"name": "mine now"} if operation.methods[0] == "PATCH" else {}
        response = as_user(other).generic(
            operation.methods[0], target, str(body).replace("'", '"'), content_type="application/json"
        )
        assert response.status_code == 404
        assert response["content-type"] == "application/problem+json"
    job.refresh_from_db()
    corpus.refresh_from_db()
    assert (job.name, job.desired, corpus.name) == ("Foxes run", "run", "Foxes")


@pytest.mark.parametrize("path", ["/runs/{}/", "/models/{}/talk/"])
def test_pages_of_other_peoples_things_do_not_exist(job: Job, other: User, as_user: SignedIn, path: str) -> None:
    assert as_user(other).get(path.format(job.pk)).status_code == 404


def test_a_cookie_needs_a_csrf_token_and_a_bearer_token_does_not(user: User, job: Job) -> None:
    by_cookie = Client(enforce_csrf_checks=True)
    by_cookie.force_login(user)
    refused = by_cookie.post(f"/api/v1/jobs/{job.pk}/stop")
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf")
    by_cookie.get("/library/")
    token = by_cookie.cookies["csrftoken"].value
    assert by_cookie.post(f"/api/v1/jobs/{job.pk}/pause", headers={"x-csrftoken": token}).status_code == 200
    by_token = Client(enforce_csrf_checks=True, headers={"authorization": f"Bearer {tokens.create(user, 't')}"})
    assert by_token.post(f"/api/v1/jobs/{job.pk}/stop").status_code == 200


@pytest.mark.parametrize(
    "header", ["Bearer vt_wrong", "Bearer ", "Basic YWRhOmFkYQ==", "vt_x", "Bearer vt_" + "x" * 9000]
)
def test_with_a_header_the_cookie_counts_for_nothing(user: User, header: str) -> None:
    client = Client()
    client.force_login(user)
    assert client.get("/api/v1/me").status_code == 200
    assert client.get("/api/v1/me", headers={"authorization": header}).status_code == 401


def test_a_token_in_the_address_is_no_token(user: User) -> None:
    secret = tokens.create(user, "t")
    assert Client().get(f"/api/v1/me?token={secret}").status_code == 401


def test_an_inactive_user_is_nobody(user: User, as_user: SignedIn) -> None:
    client, cookie = as_user(user), Client()
    cookie.force_login(user)
    User.objects.update(is_active=False)
    assert client.get("/api/v1/me").status_code == 401
    assert cookie.get("/api/v1/me").status_code == 401


def test_the_session_cookie_is_out_of_reach_of_scripts(user: User) -> None:
    client = Client()
    client.post("/sign-in/", {"username": "ada", "password": "difference engine"})
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["samesite"] == "Lax"
    assert cookie["httponly"]
