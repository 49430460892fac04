"""`manage.py serve`: the whole of Vitrine on one machine, under one supervisor. `make run` calls it."""

from typing import Any

from django.core.management.base import BaseCommand

from playground.web.serve.site import serve


class Command(BaseCommand):
    """Starts Redis, prepares the database, then runs the web process and both workers until Ctrl-C."""

    help = "Run Vitrine on this machine: database, Redis, web process and workers under one supervisor."
    requires_system_checks = []
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until a signal; the exit code says whether it could start."""
        code = serve()
        if code:
            raise SystemExit(code)
