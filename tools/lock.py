"""Writes the lock files from what is installed: every package that pyproject.toml leads to, pinned.

`requirements.lock` is what running takes (the extras web and worker), `requirements-dev.lock` what
developing and testing adds. A local version such as 2.13.0+cpu names a build that not every index has,
so its suffix is dropped: pip then takes the build that the machine's index offers.
"""

import sys
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
HEAD = "# Written by `make lock` from the installed packages and pyproject.toml. Do not edit.\n"


def closure(requirements: Iterable[Requirement]) -> dict[str, str]:
    """Installed version of every package that the requirements lead to, by canonical name."""
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(requirement, "") for requirement in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        installed = metadata.distribution(name)
        if not requirement.specifier.contains(installed.version, prereleases=True):
            raise SystemExit(f"{name} {installed.version} is installed, but {requirement} is asked for")
        found[name] = installed.version.partition("+")[0]
        for wanted in {"", *requirement.extras}:
            if (name, wanted) not in seen:
                seen.add((name, wanted))
                waiting += [(Requirement(line), wanted) for line in installed.requires or []]
    return found


def locks() -> dict[str, str]:
    """File name -> text of both lock files."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    run = closure(Requirement(line) for line in [*project["dependencies"], *extras["web"], *extras["worker"]])
    develop = {name: version for name, version in closure(map(Requirement, extras["dev"])).items() if name not in run}
    return {"requirements.lock": _text(run), "requirements-dev.lock": _text(develop)}


def _text(pins: dict[str, str]) -> str:
    return HEAD + "".join(f"{name}=={version}\n" for name, version in sorted(pins.items()))


if __name__ == "__main__":
    stale = [name for name, text in locks().items() if not (ROOT / name).exists() or (ROOT / name).read_text() != text]
    if "--check" in sys.argv:
        sys.exit(f"stale: {', '.join(stale)}; run `make lock`" if stale else 0)
    for name, text in locks().items():
        (ROOT / name).write_text(text)
