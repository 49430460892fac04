"""Who may import whom: the contracts in pyproject.toml hold, cover every module, and torch stays in the engine."""

import re
import subprocess
import sys
import tomllib

import pytest

from tests.house.tree import ROOT, files, name

HEAVY = ["torch", "transformers", "peft"]
WORKERS = sorted(f"workers.{path.stem}" for path in (ROOT / "workers").glob("*.py") if path.stem != "__init__")
"""Every module of a worker but the engine."""


def test_the_contracts_hold() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_worker_module_but_the_engine_is_under_contract() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = project["tool"]["importlinter"]["contracts"]
    covered = next(c["source_modules"] for c in contracts if c["name"].startswith("Of the workers"))
    assert sorted(covered) == WORKERS


@pytest.mark.parametrize(
    "code",
    [
        "import playground.asgi; playground.asgi.application",
        "import django; django.setup(); import " + ", ".join(WORKERS),
        "import django; django.setup(); from playground.domain import registry; registry.kinds(); registry.exhibits()",
    ],
    ids=["web", "workers", "registry"],
)
def test_torch_is_not_loaded(code: str) -> None:
    check = f"{code}\nimport sys\nprint([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", f"import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'playground.settings'\n{check}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_an_exhibits_page_knows_neither_another_exhibit_nor_plotly() -> None:
    found = []
    for path in files(".svelte", ".ts"):
        parts = path.relative_to(ROOT).parts
        imported = re.findall(r"""(?:from|import)\s*\(?\s*["']([^"']+)["']""", path.read_text())
        if any("plotly" in module for module in imported) and parts != ("frontend", "lib", "plot.ts"):
            found.append(f"{name(path)} imports plotly")
        if parts[:2] == ("frontend", "exhibits"):
            found += [
                f"{name(path)} imports {module}"
                for module in imported
                if "exhibits/" in module or module.startswith("./")
            ]
    assert not found
