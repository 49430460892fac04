"""The folder listing as the registry, and what an exhibit says of itself."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from playground.domain import registry
from playground.domain.exhibit import Exhibit, LanguageModel


class Params(BaseModel):
    """Nothing to choose."""


class Result(BaseModel):
    """Nothing to see."""


def light(params: Params) -> Result:
    """Runs anywhere."""
    return Result()


def heavy(params: Params, model: LanguageModel) -> Result:
    """Needs a model."""
    return Result()


def test_an_exhibit_is_read_off_its_function() -> None:
    made = Exhibit(title="A", summary="B", run=light)
    assert (made.Params, made.Result, made.needs_model) == (Params, Result, False)
    assert Exhibit(title="A", summary="B", run=heavy).needs_model
    assert made.lesson.startswith("The folder listing as the registry")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty package `hall` that can be imported."""
    package = tmp_path / "hall"
    package.mkdir()
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    yield package
    for name in [name for name in sys.modules if name.partition(".")[0] == "hall"]:
        del sys.modules[name]


def test_a_file_that_is_not_what_its_folder_holds_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "wrong.py").write_text("kind = 3\n")
    (folder / "_helper.py").write_text("raise ImportError\n")
    monkeypatch.setattr(registry, "JOBS", "hall")
    with pytest.raises(ValueError, match=r"hall\.wrong"):
        registry.kinds.__wrapped__()


def test_wings_stand_in_their_order(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place, name in [(2, "alpha"), (1, "beta")]:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(f'"""{name.title()}\n\nWhat it\nshows.\n"""\n\norder = {place}\n')
    (folder / "beta" / "wrong.py").write_text("exhibit = None\n")
    monkeypatch.setattr(registry, "EXHIBITS", "hall")
    found = registry.wings.__wrapped__()
    assert list(found) == ["beta", "alpha"]
    assert (found["beta"].title, found["beta"].summary) == ("Beta", "What it shows.")
    with pytest.raises(ValueError, match=r"hall\.beta\.wrong"):
        registry.exhibits.__wrapped__()
