"""`manage.py export_openapi`: the OpenAPI 3.1 document of the API on stdout, from which types are generated."""

import json
from typing import Any

from django.core.management.base import BaseCommand

from playground.web.api.urls import document


class Command(BaseCommand):
    """Export the API's description."""

    help = "Write the OpenAPI document of the API to stdout."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print it, always in the same order, so that a change shows as a change."""
        self.stdout.write(json.dumps(document(), indent=1, ensure_ascii=False, default=str))
