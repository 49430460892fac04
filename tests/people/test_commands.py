"""The two commands that let a person in."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from playground.people import links, tokens
from playground.people.owner import ensure_owner


def test_create_token_prints_the_token_alone(db: None) -> None:
    out = StringIO()
    call_command("create_token", "notebook", stdout=out)
    assert out.getvalue().count("\n") == 1
    assert tokens.authenticate(out.getvalue().strip()) == ensure_owner()


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 201])
def test_create_token_refuses_a_name_that_is_none(db: None, name: str) -> None:
    with pytest.raises(CommandError, match="name"):
        call_command("create_token", name)


def test_sign_in_link_prints_a_link_that_works(db: None) -> None:
    out = StringIO()
    call_command("sign_in_link", "--url", "https://vitrine.example.org/", stdout=out)
    address, _, secret = out.getvalue().strip().partition("/?token=")
    assert address == "https://vitrine.example.org"
    assert links.redeem(secret) == ensure_owner()
