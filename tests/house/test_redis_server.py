"""The private Redis: where its socket lies, which binary is taken, and what it is told."""

import os
import socket as sockets
import stat
import subprocess
import sysconfig
import tempfile
import time
from pathlib import Path

import pytest
import redis

from playground.web import redis_server


def test_the_socket_lies_in_the_home() -> None:
    assert redis_server.socket_path(Path("/srv/vitrine")) == Path("/srv/vitrine/run/redis.sock")


@pytest.mark.parametrize("home", ["/" + "long/" * 30, "/srv/my vitrine", "/srv/50%", "/srv/\u5c55\u67dc"])
def test_a_home_that_cannot_hold_the_socket_has_a_short_private_folder(home: str) -> None:
    path = redis_server.socket_path(Path(home))
    assert path.parent.parent == Path(tempfile.gettempdir())
    assert len(os.fsencode(path)) <= redis_server.MAX_SOCKET_PATH
    assert path == redis_server.socket_path(Path(home))
    assert path != redis_server.socket_path(Path(home + "2"))


def test_private_folders_are_private(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o755)
    assert stat.S_IMODE(redis_server.private_folder(folder).stat().st_mode) == 0o700
    link = tmp_path / "link"
    link.symlink_to(folder)
    with pytest.raises(PermissionError, match="somebody else"):
        redis_server.private_folder(link)


def _fake(folder: Path, version: str) -> Path:
    binary = folder / "redis-server"
    binary.write_text(f"#!/bin/sh\necho 'Redis server v={version} sha=0 malloc=libc bits=64'\n")
    binary.chmod(0o755)
    return binary


@pytest.mark.parametrize(("version", "taken"), [("6.2.0", True), ("8.6.3", True), ("6.0.16", False), ("5.0.7", False)])
def test_the_binary_on_the_path_is_taken_if_it_is_new_enough(tmp_path: Path, version: str, taken: bool) -> None:
    found = redis_server.find_binary(str(_fake(tmp_path, version).parent))
    assert (found.parent == tmp_path) is taken
    assert redis_server.version(found) >= redis_server.MINIMUM_VERSION


def test_without_any_server_the_message_names_what_was_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _fake(tmp_path, "3.0.6")
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path / "nothing"))
    with pytest.raises(redis_server.NoRedis, match=r"No Redis server 6\.2 .*set REDIS_URL"):
        redis_server.find_binary(str(tmp_path))


def test_the_server_listens_on_its_socket_alone_and_refuses_instead_of_forgetting(tmp_path: Path) -> None:
    path = redis_server.socket_path(tmp_path)
    redis_server.private_folder(path.parent)
    with subprocess.Popen(redis_server.command(redis_server.find_binary(), path, tmp_path / "redis.log")) as server:
        try:
            client = redis.Redis(unix_socket_path=str(path))
            _wait_for(path)
            assert client.ping()
            assert client.config_get("port")["port"] == "0"
            assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
            assert client.config_get("save")["save"] == ""
            assert client.config_get("appendonly")["appendonly"] == "no"
            assert stat.S_IMODE(path.stat().st_mode) == 0o700
            client.close()
        finally:
            server.terminate()


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            with sockets.socket(sockets.AF_UNIX) as probe:
                probe.connect(str(path))
                return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
