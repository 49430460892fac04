"""What must be true before the first request: tables as the code expects them, an owner, starter content."""

from collections.abc import Callable

from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from playground.people.owner import ensure_owner
from playground.web import starter


def prepare(say: Callable[[str], object]) -> None:
    """Bring everything up to date; `say` is told what takes a moment."""
    executor = MigrationExecutor(connection)
    # Asking first is cheaper than the migrate command, which goes through every app's permissions.
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        say("Bringing the database up to date.")
        call_command("migrate", verbosity=0, interactive=False)
    ensure_owner()
    starter.ensure()
