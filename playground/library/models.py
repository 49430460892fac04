"""One row per artifact. The bytes lie in the store under their hash; a row gives them a name and an owner."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    """The three sorts of artifact."""

    CORPUS = "corpus", _("corpus")
    TOKENIZER = "tokenizer", _("tokenizer")
    MODEL = "model", _("model")


class Artifact(models.Model):
    """An immutable corpus, tokenizer or model. Without an owner it is a starter that all share."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="artifacts")
    name = models.CharField(_("name"), max_length=200)
    sha256 = models.CharField(max_length=64)
    bytes = models.BigIntegerField()
    meta = models.JSONField(default=dict)
    origin = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at", "id")
        constraints = (
            models.UniqueConstraint(fields=("owner", "kind", "sha256"), name="artifact_once_per_owner"),
            models.UniqueConstraint(
                fields=("kind", "sha256"), condition=Q(owner__isnull=True), name="artifact_once_shared"
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def shared(self) -> bool:
        """Whether it is starter content, which all see and none may change."""
        return self.owner_id is None
