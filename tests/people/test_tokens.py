"""API tokens: shown once, kept as a digest, worth nothing when wrong or when their owner is not active."""

import pytest
from django.db import connection

from playground.people import tokens
from playground.people.models import ApiToken, User


def test_a_token_stands_for_its_owner(user: User) -> None:
    secret = tokens.create(user, "notebook")
    assert tokens.PATTERN.fullmatch(secret)
    assert tokens.authenticate(secret) == user


def test_use_is_noted_but_not_with_every_request(user: User) -> None:
    secret = tokens.create(user, "notebook")
    tokens.authenticate(secret)
    first = ApiToken.objects.get().last_used_at
    tokens.authenticate(secret)
    assert first is not None
    assert ApiToken.objects.get().last_used_at == first


def test_the_database_does_not_hold_the_secret(user: User) -> None:
    secret = tokens.create(user, "notebook")
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM people_apitoken")
        row = cursor.fetchone()
    assert secret.rpartition("_")[2] not in str(row)


@pytest.mark.parametrize(
    "change", [lambda s: s[:-1] + ("A" if s[-1] != "A" else "B"), lambda s: s + "x", lambda s: "", str.upper]
)
def test_a_wrong_token_is_nobody(user: User, change: object) -> None:
    secret = tokens.create(user, "notebook")
    assert callable(change)
    assert tokens.authenticate(change(secret)) is None


def test_the_token_of_an_inactive_user_is_nobody(user: User) -> None:
    secret = tokens.create(user, "notebook")
    user.is_active = False
    user.save()
    assert tokens.authenticate(secret) is None
