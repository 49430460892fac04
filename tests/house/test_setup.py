"""Installing, composing and building: the files agree with the code and with each other."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from playground.settings_environment import VARIABLES
from tests.house.tree import ROOT

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OURS = {name: service for name, service in COMPOSE["services"].items() if service.get("image") == "vitrine"}
ASKED = ["run", "test", "check", "format", "bench", "bench-env", "e2e", "setup"]


def _pins(*names: str) -> dict[str, str]:
    lines = [line for name in names for line in (ROOT / name).read_text().splitlines() if not line.startswith("#")]
    return dict(line.split("==") for line in lines)


def test_make_help_lists_every_target_with_a_sentence() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    described = dict(re.findall(r"^  make (\S+)\s+(\S.+)$", shown, re.MULTILINE))
    assert set(ASKED) <= set(described)
    assert subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout == shown


def test_ci_runs_the_readmes_test_command() -> None:
    script = ROOT / ".ci" / "run"
    assert "make test" in script.read_text()
    assert script.stat().st_mode & 0o111


def test_the_locks_pin_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *extras["web"], *extras["worker"], *extras["dev"]]
    pins = _pins("requirements.lock", "requirements-dev.lock")
    for requirement in map(Requirement, asked):
        assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)]), requirement


def test_the_locks_can_be_installed_anywhere() -> None:
    running, developing = _pins("requirements.lock"), _pins("requirements-dev.lock")
    assert not set(running) & set(developing)
    assert not [version for version in [*running.values(), *developing.values()] if "+" in version]
    bound = [package for package in [*running, *developing] if package.startswith(("nvidia", "triton", "cuda"))]
    assert bound == ["nvidia-ml-py"], "that one is Python alone"


def test_compose_sets_only_variables_that_the_settings_read() -> None:
    assert {"web", "train", "inspect", "prepare", "train-gpu"} == set(OURS)
    for name, service in OURS.items():
        assert set(service["environment"]) <= set(VARIABLES), name
        assert {"DATABASE_URL", "REDIS_URL", "STORAGE_URL", "SECRET_KEY"} <= set(service["environment"]), name


def test_compose_asks_its_user_only_for_variables_of_the_settings_or_the_database() -> None:
    asked = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    assert asked - {"POSTGRES_PASSWORD"} <= set(VARIABLES)


def test_the_gpu_worker_starts_only_when_asked_for() -> None:
    assert OURS["train-gpu"]["profiles"] == ["gpu"]
    assert all("profiles" not in service for name, service in OURS.items() if name != "train-gpu")


def test_the_compose_client_accepts_the_file(tmp_path: Path) -> None:
    """With a client this is its own check; without one, the references are followed here."""
    client = _client()
    if client:
        env = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "SECRET_KEY": "s",
            "POSTGRES_PASSWORD": "p",
            "HOME": str(tmp_path),
        }
        command = [*client, "--file", str(ROOT / "docker-compose.yml"), "config", "--quiet"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    services: dict[str, Any] = COMPOSE["services"]
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= set(services), name
        named = {volume.split(":")[0] for volume in service.get("volumes", [])}
        assert named <= set(COMPOSE["volumes"]), name


def test_the_image_copies_only_what_exists() -> None:
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    sources = {source for line in lines for source in line.split()}
    assert sources
    assert not [source for source in sources if not (ROOT / source).exists()]


def _client() -> list[str]:
    """The compose client's command, empty where there is none."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if (
            shutil.which(command[0])
            and not subprocess.run([*command, "version"], capture_output=True, check=False).returncode
        ):
            return command
    return []
