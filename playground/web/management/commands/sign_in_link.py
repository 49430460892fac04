"""`manage.py sign_in_link`: a fresh one-time link for the owner, printed alone on stdout."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from playground.people import links
from playground.people.owner import ensure_owner


class Command(BaseCommand):
    """Make a sign-in link."""

    help = "Print a link that signs the owner in, once, within a day."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where the site is reached, if not at HOST and PORT."""
        parser.add_argument("--url", help="address of the site, such as https://vitrine.example.org")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the link and nothing else."""
        host = f"[{settings.HOST}]" if ":" in settings.HOST else settings.HOST
        address = (options["url"] or f"http://{host}:{settings.PORT}").rstrip("/")
        self.stdout.write(f"{address}/?token={links.make(ensure_owner())}")
