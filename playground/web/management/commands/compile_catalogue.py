"""`manage.py compile_catalogue`: make django.mo of the .po files of every language."""

from typing import Any

from django.core.management.base import BaseCommand

from playground.web.catalogue import compile_all


class Command(BaseCommand):
    """Compile the translations."""

    help = "Compile the .po files of each language into django.mo."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Compile; prints the files written at higher verbosity."""
        for path in compile_all():
            if options["verbosity"] > 1:
                self.stdout.write(str(path))
