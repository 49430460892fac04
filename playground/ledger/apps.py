"""Tells Django about the ledger."""

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """The app of jobs, attempts and events."""

    name = "playground.ledger"
    label = "ledger"
    default_auto_field = "django.db.models.BigAutoField"
