"""Name = file = URL = component = test: every exhibit and job kind has all its parts, and none has a part too many."""

import subprocess
import sys
from pathlib import Path

import pytest

from playground.domain import registry
from tests.house.tree import ROOT


def _stems(folder: Path, pattern: str) -> set[str]:
    """What the pattern finds, without endings, as seen from the folder; names with a leading _ are helpers."""
    return {str(path.relative_to(folder).with_suffix("")) for path in folder.glob(pattern) if path.stem[0] != "_"}


EXHIBITS = _stems(ROOT / "playground" / "exhibits", "*/*.py")
KINDS = _stems(ROOT / "playground" / "jobs", "*.py")


def test_there_are_some() -> None:
    assert EXHIBITS
    assert KINDS


def test_the_registry_is_the_folder_listing() -> None:
    assert {f"{wing}/{slug}" for wing, slug in registry.exhibits()} == EXHIBITS
    assert set(registry.kinds()) == KINDS
    assert all(kind.name == name for name, kind in registry.kinds().items())


def test_every_exhibit_has_its_component_and_no_component_lacks_its_exhibit() -> None:
    assert _stems(ROOT / "frontend" / "exhibits", "*/*.svelte") == EXHIBITS


@pytest.mark.parametrize("exhibit", sorted(EXHIBITS))
def test_every_exhibit_has_its_test(exhibit: str) -> None:
    wing, slug = exhibit.split("/")
    assert (ROOT / "tests" / "exhibits" / wing / f"test_{slug}.py").exists()


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_job_kind_has_its_test(kind: str) -> None:
    assert (ROOT / "tests" / "jobs" / f"test_{kind}.py").exists()


@pytest.mark.slow
def test_the_generated_types_are_fresh(tmp_path: Path) -> None:
    """`make types` would change nothing."""
    exported = subprocess.run(
        [sys.executable, "manage.py", "export_openapi"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    (tmp_path / "openapi.json").write_text(exported)
    tool = ROOT / "frontend" / "node_modules" / "openapi-typescript" / "bin" / "cli.js"
    chosen = ROOT / ".venv" / "node.path"
    node = Path(chosen.read_text().strip()) / "node" if chosen.exists() else Path("node")
    subprocess.run(
        [str(node), str(tool), str(tmp_path / "openapi.json"), "--output", str(tmp_path / "api.ts")],
        cwd=ROOT / "frontend",
        capture_output=True,
        check=True,
    )
    assert (tmp_path / "api.ts").read_text() == (ROOT / "frontend" / "lib" / "api.generated.ts").read_text()
