"""One-time links and failed passwords."""

from datetime import timedelta

from django.utils import timezone

from playground.people import attempts, links
from playground.people.models import FailedSignIn, SignInLink, User
from playground.people.owner import ensure_owner


def test_a_link_signs_in_once(user: User) -> None:
    secret = links.make(user)
    assert links.redeem(secret) == user
    assert links.redeem(secret) is None


def test_an_old_link_does_not(user: User) -> None:
    secret = links.make(user)
    SignInLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert links.redeem(secret) is None


def test_expired_links_are_swept_when_one_is_made(user: User) -> None:
    links.make(user)
    SignInLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    links.make(user)
    assert SignInLink.objects.count() == 1


def test_a_link_of_an_inactive_user_does_not(user: User) -> None:
    secret = links.make(user)
    User.objects.update(is_active=False)
    assert links.redeem(secret) is None


def test_six_wrong_passwords_lock_the_pair_and_only_the_pair(db: None) -> None:
    for _ in range(attempts.MAX_FAILURES):
        assert not attempts.locked("ada", "10.0.0.1")
        attempts.failed("ada", "10.0.0.1")
    assert attempts.locked("ada", "10.0.0.1")
    assert not attempts.locked("ada", "10.0.0.2")
    assert not attempts.locked("grace", "10.0.0.1")


def test_the_lock_opens_with_time_and_with_the_right_password(db: None) -> None:
    for _ in range(attempts.MAX_FAILURES):
        attempts.failed("ada", "10.0.0.1")
    FailedSignIn.objects.update(last_at=timezone.now() - attempts.WINDOW - timedelta(seconds=1))
    assert not attempts.locked("ada", "10.0.0.1")
    attempts.failed("ada", "10.0.0.1")
    attempts.succeeded("ada", "10.0.0.1")
    assert not FailedSignIn.objects.exists()


def test_there_is_one_owner_however_often_one_asks(db: None) -> None:
    owner = ensure_owner()
    assert owner == ensure_owner()
    assert owner.role == "owner"
    assert not owner.has_usable_password()
