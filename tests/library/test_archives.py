"""Archives that lie, and one that does not."""

import io
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from playground.domain.errors import BadInput, TooLarge
from playground.library import archives, networks

LIMIT = 4 << 20
GOOD = {"config.json": b"{}", "model.safetensors": b"weights"}


def packed(path: Path, files: dict[str, bytes]) -> Path:
    """A zip of these files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def refusal(tmp_path: Path, path: Path) -> str:
    """The sentence with which an archive is refused; nothing may have been written outside."""
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(BadInput) as caught:
        archives.unpack(path, target, LIMIT)
    assert {entry.name for entry in tmp_path.iterdir()} <= {"target", path.name}
    return " ".join(caught.value.fields["file"])


@pytest.mark.parametrize("inside", ["", "my-model/"])
def test_a_model_folder_is_unpacked_flat(tmp_path: Path, inside: str) -> None:
    path = packed(tmp_path / "m.zip", {inside + name: content for name, content in GOOD.items()})
    target = tmp_path / "target"
    target.mkdir()
    archives.unpack(path, target, LIMIT)
    assert {entry.name: entry.read_bytes() for entry in target.iterdir()} == GOOD


@pytest.mark.parametrize(
    ("extra", "word"),
    [
        ({"../evil.json": b""}, "one model folder"),
        ({"/etc/config.json": b""}, "one model folder"),
        ({"a/b/config.json": b""}, "one model folder"),
        ({"..\\evil.json": b""}, "one model folder"),
        ({"pytorch_model.bin": b"\x80\x04"}, "pickle"),
        ({"run.sh": b""}, "belongs to no model folder"),
        ({"modeling_evil.py": b""}, "belongs to no model folder"),
    ],
)
def test_what_has_no_place_in_a_model_is_refused(tmp_path: Path, extra: dict[str, bytes], word: str) -> None:
    assert word in refusal(tmp_path, packed(tmp_path / "m.zip", GOOD | extra))


def test_a_link_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("config.json")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert "plain file" in refusal(tmp_path, path)


def test_a_bomb_is_refused_by_what_comes_out(tmp_path: Path) -> None:
    path = packed(tmp_path / "m.zip", GOOD | {"vocab.json": b"0" * (3 << 20)})
    assert "far more" in refusal(tmp_path, path)
    assert not (tmp_path / "target" / "vocab.json").exists() or (
        (tmp_path / "target" / "vocab.json").stat().st_size <= 2 << 20
    )


def test_too_much_in_all_is_refused(tmp_path: Path) -> None:
    noise = bytes(range(256)) * 5000
    files = {f"{number}.safetensors": noise[number:] + noise[:number] for number in range(4)}
    target = tmp_path / "target"
    target.mkdir()
    path = tmp_path / "m.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in (GOOD | files).items():
            archive.writestr(name, content)
    with pytest.raises(TooLarge):
        archives.unpack(path, target, LIMIT)


def test_too_many_entries_are_refused(tmp_path: Path) -> None:
    files = {f"{number}.safetensors": b"" for number in range(archives.MAX_ENTRIES)}
    assert "too many" in refusal(tmp_path, packed(tmp_path / "m.zip", GOOD | files))


def test_a_name_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.safetensors", b"")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.safetensors", b"")
    assert "twice" in refusal(tmp_path, path)


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _damaged(content: bytes) -> bytes:
    return content[:40] + bytes(byte ^ 0xFF for byte in content[40:60]) + content[60:]


@pytest.mark.parametrize("harm", [_cut, _damaged, lambda content: b"not a zip", lambda content: b""])
def test_a_broken_archive_is_refused(tmp_path: Path, harm: Callable[[bytes], bytes]) -> None:
    path = packed(tmp_path / "m.zip", {"config.json": b"{}" * 50, "model.safetensors": b"w" * 50})
    path.write_bytes(harm(path.read_bytes()))
    assert "can be read" in refusal(tmp_path, path)


@pytest.mark.parametrize("missing", sorted(GOOD))
def test_half_a_model_is_refused(tmp_path: Path, missing: str) -> None:
    files = {name: content for name, content in GOOD.items() if name != missing}
    assert "config.json" in refusal(tmp_path, packed(tmp_path / "m.zip", files | {"README.md": b""}))


def test_a_download_is_the_folder_as_a_zip_in_pieces(tmp_path: Path) -> None:
    for name, content in {**GOOD, "model.safetensors": bytes(3 << 20)}.items():
        (tmp_path / name).write_bytes(content)
    pieces = list(networks.zipped(tmp_path))
    assert max(len(piece) for piece in pieces) < 2 << 20
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == sorted(GOOD)
        assert archive.read("model.safetensors") == bytes(3 << 20)
    assert b"".join(pieces) == b"".join(networks.zipped(tmp_path))
