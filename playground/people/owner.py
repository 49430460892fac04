"""The owner: the one superuser that a fresh installation has, who signs in through a link, not a password."""

from playground.people.models import User

OWNER = "owner"


def ensure_owner() -> User:
    """The installation's owner, created without a usable password on the first start."""
    first = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    if first is not None:
        return first
    owner, created = User.objects.get_or_create(username=OWNER, defaults={"is_superuser": True, "is_staff": True})
    if created:
        owner.set_unusable_password()
        owner.save(update_fields=["password"])
    return owner
