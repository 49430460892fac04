"""Who is behind an ASGI connection, for the parts in front of Django's own middleware.

Websockets and the body limit see a bare ASGI scope. The same two proofs count as in a request: an
`Authorization: Bearer` token, else the session cookie.
"""

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest

from playground.people import tokens
from playground.people.models import User

Scope = Mapping[str, Any]


def header(scope: Scope, name: bytes) -> str | None:
    """The value of the first header with this lower-case name."""
    for key, value in scope.get("headers", ()):
        if key.lower() == name:
            return str(value.decode("latin-1"))
    return None


def bearer(value: str | None) -> str | None:
    """The secret in an Authorization header of the Bearer scheme."""
    scheme, _, secret = (value or "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None


def user_of(scope: Scope) -> User | None:
    """The active user of an ASGI connection, or None. Reads the database: call it off the event loop."""
    authorization = header(scope, b"authorization")
    if authorization is not None:
        secret = bearer(authorization)
        return tokens.authenticate(secret) if secret else None
    try:
        cookies = SimpleCookie(header(scope, b"cookie") or "")
    except CookieError:
        return None
    cookie = cookies.get(settings.SESSION_COOKIE_NAME)
    if cookie is None:
        return None
    request = HttpRequest()
    request.session = SessionStore(session_key=cookie.value)
    user = get_user(request)
    return user if isinstance(user, User) and user.is_active else None
