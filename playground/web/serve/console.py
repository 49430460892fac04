"""The one readable log: every process's lines, on the terminal in colour and in a rotated file.

Lines are printed by honcho's printer. What a process writes may hold text that a user typed, so
control characters are shown as escapes and cannot drive the terminal. The sign-in link is printed
on the terminal only.
"""

import logging
import re
import sys
from datetime import datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TextIO

from honcho.colour import get_colours
from honcho.printer import Message, Printer

FILE_BYTES = 5 * 1024 * 1024
FILES = 5
SYSTEM = "vitrine"

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def printable(line: str) -> str:
    """The line with control characters, tabs excepted, written as escapes."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match.group()):02x}", line)


class Console:
    """Prints what the supervisor and its children say."""

    def __init__(self, folder: Path, names: list[str], output: TextIO | None = None) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._output: TextIO = output or sys.stdout
        self._printer = Printer(self._output, width=max(len(name) for name in [SYSTEM, *names]))
        self._colours = dict(zip(names, get_colours(), strict=False))
        self._file = RotatingFileHandler(
            folder / "vitrine.log", maxBytes=FILE_BYTES, backupCount=FILES, encoding="utf-8"
        )
        self._file.setFormatter(logging.Formatter("%(asctime)s %(message)s"))

    def line(self, name: str, data: bytes | str) -> None:
        """Print one line of the process called `name`."""
        text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
        text = printable(text.rstrip("\r\n"))
        self._file.emit(logging.makeLogRecord({"msg": "%s | %s", "args": (name, text)}))
        try:
            self._printer.write(Message("line", text or " ", datetime.now(), name, self._colours.get(name)))
        except (OSError, ValueError):
            # The terminal or pipe is gone; the file goes on.
            return

    def say(self, text: str) -> None:
        """Print a line of the supervisor's own."""
        self.line(SYSTEM, text)

    def announce(self, text: str) -> None:
        """Print a line that stands alone, without time and name, and is kept out of the file."""
        try:
            print(text, file=self._output, flush=True)
        except (OSError, ValueError):
            return
