"""The files of the project, for the tests that check its rules."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GENERATED = ("/migrations/", ".generated.ts", "package-lock.json")


@cache
def files(*endings: str) -> tuple[Path, ...]:
    """Every file of the tree, kept or about to be, with one of the endings; generated ones are left out."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout.split("\0")
    found = (name for name in listed if name.endswith(endings) and not any(part in f"/{name}" for part in GENERATED))
    return tuple(sorted(ROOT / name for name in found if (ROOT / name).is_file()))


def name(path: Path) -> str:
    """The path as seen from the root, for a message."""
    return str(path.relative_to(ROOT))
