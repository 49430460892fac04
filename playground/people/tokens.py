"""API tokens: made once, shown once, kept as a digest.

A token is `vt_<prefix>_<secret>`: the prefix finds the row, the digest proves the secret. SHA-256 without
salt or stretching is right here, since the secret has 256 random bits.
"""

import hashlib
import re
import secrets
import string
from datetime import timedelta

from django.utils import timezone

from playground.people.models import ApiToken, User

PATTERN = re.compile(r"vt_([0-9A-Za-z]{8})_([0-9A-Za-z_-]{43})")
TOUCH_EVERY = timedelta(minutes=1)
"""`last_used_at` is written at most this often, so that a busy program does not write with each request."""


def digest(secret: str) -> str:
    """The hex SHA-256 of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create(owner: User, name: str) -> str:
    """Make a token called `name` for `owner` and return it; it cannot be read again."""
    alphabet = string.ascii_letters + string.digits
    prefix = "".join(secrets.choice(alphabet) for _ in range(8))
    token = f"vt_{prefix}_{secrets.token_urlsafe(32)}"
    ApiToken.objects.create(owner=owner, name=name, prefix=prefix, digest=digest(token))
    return token


def authenticate(secret: str) -> User | None:
    """The active user whose token this is, or None."""
    match = PATTERN.fullmatch(secret)
    if match is None:
        return None
    token = ApiToken.objects.select_related("owner").filter(prefix=match[1]).first()
    if token is None or not secrets.compare_digest(token.digest, digest(secret)) or not token.owner.is_active:
        return None
    now = timezone.now()
    if token.last_used_at is None or token.last_used_at < now - TOUCH_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token.owner
