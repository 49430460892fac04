"""Failed sign-ins are counted by account and address, so that guessing a password takes for ever.

The pair is locked, not the account and not the address: a stranger cannot lock the owner out, and forty
students behind one school's address do not lock each other. Counts live in the database, so that all web
processes and restarts share them.
"""

from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from playground.people.models import FailedSignIn

MAX_FAILURES = 6
WINDOW = timedelta(minutes=10)
"""Six guesses in ten minutes: a person mistypes less often, and ten random characters outlast it by far."""


def locked(name: str, address: str) -> bool:
    """Whether this address must wait before it tries this account again."""
    since = timezone.now() - WINDOW
    return FailedSignIn.objects.filter(
        name=name, address=address, last_at__gt=since, failures__gte=MAX_FAILURES
    ).exists()


def failed(name: str, address: str) -> None:
    """Count one failure; the count starts anew after a quiet window."""
    now = timezone.now()
    FailedSignIn.objects.filter(last_at__lt=now - WINDOW).delete()
    row, created = FailedSignIn.objects.get_or_create(name=name, address=address, defaults={"last_at": now})
    if not created:
        FailedSignIn.objects.filter(pk=row.pk).update(failures=F("failures") + 1, last_at=now)


def succeeded(name: str, address: str) -> None:
    """Forget the failures of a person who got in."""
    FailedSignIn.objects.filter(name=name, address=address).delete()
