"""The folder listing is the registry: a job kind or an exhibit exists because its file does.

Job kinds are the modules of `playground.jobs` (attribute `kind`), exhibits those of
`playground.exhibits.<wing>` (attribute `exhibit`); a wing is a package there whose docstring's first line is
its title and the rest its summary, and whose `order` is its place in the gallery. Modules whose names start with
an underscore are helpers.
"""

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache
from types import ModuleType

from playground.domain.exhibit import Exhibit
from playground.domain.kind import JobKind

JOBS, EXHIBITS = "playground.jobs", "playground.exhibits"


@dataclass(frozen=True)
class Wing:
    """A section of the gallery."""

    slug: str
    title: str
    summary: str


@cache
def kinds() -> dict[str, JobKind]:
    """All job kinds by name. Raises ValueError for a file whose kind has another name."""
    found: dict[str, JobKind] = {}
    for module in _modules(JOBS, packages=False):
        kind = module.kind
        slug = _slug(module)
        if not isinstance(kind, JobKind) or kind.name != slug:
            raise ValueError(f"{module.__name__}.kind must be a JobKind named {slug!r}")
        found[slug] = kind
    return found


@cache
def exhibits() -> dict[tuple[str, str], Exhibit]:
    """All exhibits by (wing, slug). Raises ValueError for a file without one."""
    found: dict[tuple[str, str], Exhibit] = {}
    for wing in _modules(EXHIBITS, packages=True):
        for module in _modules(wing.__name__, packages=False):
            exhibit = module.exhibit
            if not isinstance(exhibit, Exhibit):
                raise ValueError(f"{module.__name__}.exhibit must be an Exhibit")
            found[_slug(wing), _slug(module)] = exhibit
    return found


@cache
def wings() -> dict[str, Wing]:
    """All wings by slug, in the order in which the gallery shows them: that of their `order`."""
    found = {}
    for package in sorted(_modules(EXHIBITS, packages=True), key=lambda wing: int(wing.order)):
        title, _, rest = (package.__doc__ or "").strip().partition("\n")
        found[_slug(package)] = Wing(_slug(package), title.rstrip("."), " ".join(rest.split()))
    return found


def _modules(package: str, *, packages: bool) -> list[ModuleType]:
    root = importlib.import_module(package)
    names = [item.name for item in pkgutil.iter_modules(root.__path__) if item.ispkg is packages]
    return [importlib.import_module(f"{package}.{name}") for name in sorted(names) if not name.startswith("_")]


def _slug(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]
