"""`manage.py create_token NAME`: an API token of the owner's, printed alone on stdout."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from playground.domain.errors import BadInput
from playground.library import names
from playground.people import tokens
from playground.people.owner import ensure_owner


class Command(BaseCommand):
    """Make an API token."""

    help = "Make an API token of the owner's, called NAME, and print it. It cannot be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        """The token's name."""
        parser.add_argument("name", metavar="NAME", help="what the token is for")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the token and nothing else."""
        try:
            name = names.clean(options["name"])
        except BadInput as error:
            raise CommandError(" ".join(error.fields["name"])) from None
        self.stdout.write(tokens.create(ensure_owner(), name))
