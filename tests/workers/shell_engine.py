"""An engine that only tells how it is shut in."""

from multiprocessing.connection import Connection

from tests.workers.honest_engine import report_shell


def main(conn: "Connection[bytes, bytes]") -> None:
    """Tell it and wait for a word."""
    report_shell(conn)
