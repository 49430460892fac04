"""Files and folders that appear whole or not at all, and a cache that does not grow for ever."""

import contextlib
import os
from pathlib import Path

from workers.engine.files import appearing, appearing_folder, prune


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    with appearing(path) as file:
        file.write(b"one")
        assert not path.exists()
    assert path.read_bytes() == b"one"
    with contextlib.suppress(KeyError), appearing(path) as file:
        file.write(b"two")
        raise KeyError
    assert path.read_bytes() == b"one"
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_appears_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    with contextlib.suppress(KeyError), appearing_folder(path) as part:
        (part / "a").write_text("1")
        raise KeyError
    assert not list(tmp_path.iterdir())
    with appearing_folder(path) as part:
        (part / "a").write_text("1")
        assert not path.exists()
    assert (path / "a").read_text() == "1"
    assert list(tmp_path.iterdir()) == [path]


def test_the_cache_forgets_what_was_used_longest_ago(tmp_path: Path) -> None:
    for age, name in enumerate(["new", "middle", "old"]):
        path = tmp_path / "tokens" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x" * 100)
        os.utime(path, (1e9 - age, 1e9 - age))
    prune(tmp_path, 300, 0)
    assert len(list(tmp_path.glob("*/*"))) == 3
    prune(tmp_path, 250, 0)
    assert {path.name for path in tmp_path.glob("*/*")} == {"new", "middle"}
    now = tmp_path / "tokens" / "now"
    now.mkdir()
    (now / "tokens.uint16").write_bytes(b"x" * 1000)
    prune(tmp_path, 100, 60)
    assert list(tmp_path.rglob("*")) == [tmp_path / "tokens", now, now / "tokens.uint16"]
    prune(tmp_path, 100, 0)
    assert list(tmp_path.rglob("*")) == [tmp_path / "tokens"]
