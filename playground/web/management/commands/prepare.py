"""`manage.py prepare`: the database up to date, with its owner and the starter content, and nothing started."""

from typing import Any

from django.core.management.base import BaseCommand

from playground.web.serve.prepare import prepare


class Command(BaseCommand):
    """What `serve` does before it starts processes; for installations whose processes something else starts."""

    help = "Migrate the database and see to it that the owner and the starter content are there."
    requires_system_checks = []
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepare, and say on stdout what was done."""
        prepare(self.stdout.write)
