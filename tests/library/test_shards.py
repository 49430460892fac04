"""Weights in several files, as large models come: joined to the same tensors, and refused where they misfit."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from playground.domain.errors import BadInput
from playground.domain.model_files import INDEX, WHOLE
from playground.domain.weights_file import header
from playground.library import networks, shards
from playground.people.models import User
from tests.library.test_archives import packed

TENSORS = {f"layer.{n}.weight": np.arange(n * 6, dtype=np.float32).reshape(2, 3 * n) for n in range(1, 6)}
FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A good folder: five tensors in two files."""
    placed = {name: FIRST if index < 2 else SECOND for index, name in enumerate(TENSORS)}
    for file in (FIRST, SECOND):
        save_file({name: tensor for name, tensor in TENSORS.items() if placed[name] == file}, tmp_path / file)
    write(tmp_path, placed)
    return tmp_path


def write(folder: Path, placed: Any) -> None:
    """The index of the folder."""
    (folder / INDEX).write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": placed}))


def placed(folder: Path) -> dict[str, str]:
    """What the index says."""
    found: dict[str, str] = json.loads((folder / INDEX).read_text())["weight_map"]
    return found


def test_the_parts_become_one_file(folder: Path) -> None:
    shards.join(folder)
    assert [path.name for path in folder.iterdir()] == [WHOLE]
    described, _ = header(folder / WHOLE)
    assert {name: one["shape"] for name, one in described.items()} == {name: [*TENSORS[name].shape] for name in TENSORS}
    found = load_file(folder / WHOLE)
    assert found.keys() == TENSORS.keys()
    assert all(np.array_equal(found[name], tensor) for name, tensor in TENSORS.items())


def test_the_same_parts_give_the_same_file(folder: Path) -> None:
    kept = {path.name: path.read_bytes() for path in folder.iterdir()}
    shards.join(folder)
    once = (folder / WHOLE).read_bytes()
    for name, content in kept.items():
        (folder / name).write_bytes(content)
    write(folder, dict(reversed(placed(folder).items())))
    shards.join(folder)
    assert (folder / WHOLE).read_bytes() == once


def test_a_folder_without_an_index_stays_as_it_is(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / WHOLE)
    before = (tmp_path / WHOLE).read_bytes()
    shards.join(tmp_path)
    assert (tmp_path / WHOLE).read_bytes() == before


def lost(folder: Path) -> None:
    (folder / SECOND).unlink()


def moved(folder: Path) -> None:
    write(folder, placed(folder) | {"layer.1.weight": SECOND})


def stranger(folder: Path) -> None:
    write(folder, placed(folder) | {"layer.9.weight": FIRST})


def cut(folder: Path) -> None:
    (folder / FIRST).write_bytes((folder / FIRST).read_bytes()[:-4])


def outside(folder: Path) -> None:
    write(folder, dict.fromkeys(TENSORS, "../model-00001-of-00002.safetensors"))


def empty(folder: Path) -> None:
    write(folder, {})


def many(folder: Path) -> None:
    write(folder, {str(n): f"model-{n:05}-of-00999.safetensors" for n in range(shards.MAX_SHARDS + 1)})


def broken(folder: Path) -> None:
    (folder / INDEX).write_text("[" * 100_000)


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lost, f"missing: {SECOND}"),
        (moved, "other tensors"),
        (stranger, "other tensors"),
        (cut, "cut off"),
        (outside, "no part of them"),
        (empty, "1 to 64"),
        (many, "1 to 64"),
        (broken, "not JSON"),
    ],
)
def test_parts_that_do_not_fit_are_refused(folder: Path, spoil: Callable[[Path], None], word: str) -> None:
    spoil(folder)
    with pytest.raises(BadInput) as caught:
        shards.join(folder)
    assert word in str(caught.value) + str(caught.value.fields)
    assert not (folder / WHOLE).exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("clean_store")
def test_an_uploaded_zip_is_checked_as_one_file(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    files = {path.name: path.read_bytes() for path in folder.iterdir()} | {"config.json": b"{}"}
    path = packed(tmp_path_factory.mktemp("zip") / "m.zip", files)
    seen: list[str] = []

    def check(opened: Path) -> dict[str, Any]:
        seen.extend(sorted(entry.name for entry in opened.iterdir()))
        return {}

    owner = User.objects.create_user("ada", password="x" * 12)
    networks.add(owner, path, "Large", check)
    assert seen == ["config.json", WHOLE]
