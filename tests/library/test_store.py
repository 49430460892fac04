"""The store, on a local disk and on an address without one."""

import uuid
from pathlib import Path

import pytest

from playground.library.store import Store

SHA = "ab" * 32


@pytest.fixture(params=["disk", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """One that moves files, and one that uploads them."""
    url = f"file://{tmp_path}/store" if request.param == "disk" else f"memory://{uuid.uuid4().hex}"
    return Store(url, tmp_path / "cache")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "made"
    (made / "deep").mkdir(parents=True)
    (made / "config.json").write_text("{}")
    (made / "deep" / "weights").write_bytes(b"\x00\x01")
    return made


def test_a_folder_comes_back_as_it_was_put(store: Store, folder: Path) -> None:
    store.put_tree("model", SHA, folder)
    found = store.local("model", SHA)
    assert (found / "config.json").read_text() == "{}"
    assert (found / "deep" / "weights").read_bytes() == b"\x00\x01"
    assert not folder.exists()
    assert store.exists("model", SHA)


def test_a_file_comes_back_under_its_name(store: Store, tmp_path: Path) -> None:
    upload = tmp_path / "upload"
    upload.write_text("text")
    store.put_file("corpus", SHA, upload)
    assert (store.local("corpus", SHA) / "text.txt").read_text() == "text"
    assert not upload.exists()


def test_putting_twice_changes_nothing_and_leaves_nothing(store: Store, tmp_path: Path) -> None:
    for _ in range(2):
        upload = tmp_path / "upload"
        upload.write_text("text")
        store.put_file("corpus", SHA, upload)
    assert (store.local("corpus", SHA) / "text.txt").read_text() == "text"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("upload")] == []


def test_what_was_removed_is_gone(store: Store, folder: Path) -> None:
    store.put_tree("model", SHA, folder)
    store.local("model", SHA)
    store.remove("model", SHA)
    store.remove("model", SHA)
    assert not store.exists("model", SHA)
    with pytest.raises(FileNotFoundError):
        store.local("model", SHA)


def test_what_is_not_there_is_not_found(store: Store) -> None:
    with pytest.raises(FileNotFoundError):
        store.local("corpus", SHA)


def test_only_a_disk_knows_its_room(tmp_path: Path) -> None:
    assert Store(f"file://{tmp_path}/store", tmp_path).free() is not None
    assert Store("memory://room", tmp_path).free() is None
