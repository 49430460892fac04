"""Which code it is that computes: one hash over every source file that has a part in a run's numbers.

Two receipts with the same hash were made by the same code. A file that was only commented anew changes it too: that the
numbers stay the same is then for a repeat to show.
"""

import hashlib
from functools import cache
from pathlib import Path

import playground

LETTERS = 16
"""Hexadecimal digits that are kept: two versions among thousands do not share them."""


@cache
def code() -> str:
    """The hash of the engine, the job kinds and the domain that they stand on."""
    root = Path(playground.__file__).parent
    return code_of([Path(__file__).parent, root / "domain", root / "jobs"])


def code_of(folders: list[Path]) -> str:
    """The hash of the Python files below some folders, by their names and contents, wherever the folders lie."""
    whole = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            name = f"{folder.name}/{path.relative_to(folder).as_posix()}"
            whole.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()[:LETTERS]
