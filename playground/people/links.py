"""One-time sign-in links: `make` prints one, `redeem` trades it for its user, once."""

import secrets
from datetime import timedelta

from django.utils import timezone

from playground.people.models import SignInLink, User
from playground.people.tokens import digest

LIFETIME = timedelta(hours=24)
"""Long enough to find the line in the log of yesterday's terminal, short enough not to lie about for ever."""


def make(user: User) -> str:
    """A new secret that signs `user` in once within `LIFETIME`; expired ones are swept away."""
    now = timezone.now()
    SignInLink.objects.filter(expires_at__lt=now).delete()
    secret = secrets.token_urlsafe(32)
    SignInLink.objects.create(user=user, digest=digest(secret), expires_at=now + LIFETIME)
    return secret


def redeem(secret: str) -> User | None:
    """The user of an unused, unexpired link, which is used up by this; else None."""
    now = timezone.now()
    fresh = SignInLink.objects.filter(digest=digest(secret), used_at__isnull=True, expires_at__gt=now)
    # The update is the decision: of two requests with one link, only one sees a row change.
    if fresh.update(used_at=now) == 0:
        return None
    link = SignInLink.objects.select_related("user").get(digest=digest(secret))
    return link.user if link.user.is_active else None
