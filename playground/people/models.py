"""Users, API tokens and sign-in links. Secrets are kept as SHA-256 digests only."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """A person (or a program) with an account."""

    @property
    def role(self) -> str:
        """ "owner" of the installation, or "member"."""
        return "owner" if self.is_superuser else "member"


class ApiToken(models.Model):
    """A secret `vt_<prefix>_<rest>` with which a program acts as its owner."""

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(_("name"), max_length=200)
    prefix = models.CharField(max_length=8, unique=True)
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name} (vt_{self.prefix}_...)"


class SignInLink(models.Model):
    """A link that signs one user in, once, before it expires."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sign_in_links")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"sign-in link of {self.user}"


class FailedSignIn(models.Model):
    """How often a password of one account was wrong from one address, lately."""

    name = models.CharField(max_length=150)
    address = models.CharField(max_length=64)
    failures = models.PositiveIntegerField(default=1)
    last_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("name", "address"), name="failed_sign_in_pair"),)

    def __str__(self) -> str:
        return f"{self.failures} failures of {self.name} from {self.address}"
