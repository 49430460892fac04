"""`make run` as people meet it: the ready line, the link, a second start, deaths, and an end without leftovers."""

import json
import os
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.site import PATIENCE, Site, all_gone

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("site") / "var") as running:
        yield running


def _json(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        return json.load(answer)


def test_it_says_once_that_it_is_ready(site: Site) -> None:
    assert site.link.startswith("http://127.0.0.1:")
    assert site.text.count("Vitrine is ready") == 1
    assert _json(f"{site.url}/api/v1/health")["status"]


def _status(opener: urllib.request.OpenerDirector, url: str) -> int:
    try:
        with opener.open(url, timeout=PATIENCE) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_link_signs_in_once(site: Site) -> None:
    for landing, me in (("/", 200), ("/sign-in/?link=failed", 401)):
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        with browser.open(site.link, timeout=PATIENCE) as answer:
            assert answer.url == f"{site.url}{landing}"
        assert _status(browser, f"{site.url}/api/v1/me") == me


def test_the_log_on_disk_does_not_hold_the_link(site: Site) -> None:
    token = site.link.partition("token=")[2]
    assert token not in (site.home / "logs" / "vitrine.log").read_text()


def test_redis_has_no_port_and_its_socket_is_private(site: Site) -> None:
    redis = site.child("redis-server")
    assert not [c for c in redis.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert (site.home / "run").stat().st_mode & 0o777 == 0o700


def test_a_second_start_names_the_first_and_does_nothing(site: Site) -> None:
    before = {process.pid for process in site.processes()}
    with Site(site.home) as second:
        second.wait_for("already runs on")
        assert second.process.wait(PATIENCE) == 0
        assert site.url in second.text
    assert before <= {process.pid for process in site.processes()}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("web", ["uvicorn"]),
        ("train", ["workers", "train"]),
        ("inspect", ["workers", "inspect"]),
        ("redis", ["redis-server"]),
    ],
)
def test_whoever_dies_is_started_again_and_the_log_says_why(site: Site, name: str, words: list[str]) -> None:
    killed = site.child(*words)
    killed.kill()
    site.wait_for(rf"{name} was killed by SIGKILL .*starting it again")
    deadline = time.monotonic() + PATIENCE
    while site.child(*words).pid == killed.pid:
        assert time.monotonic() < deadline
    assert _json(f"{site.url}/api/v1/health")["status"]


def test_create_token_prints_a_token_alone(site: Site) -> None:
    token = site.manage("create_token", "test").strip()
    assert token.startswith("vt_")
    request = urllib.request.Request(f"{site.url}/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        assert answer.status == 200


def test_ctrl_c_ends_everything(tmp_path: Path) -> None:
    with Site(tmp_path / "var") as site:
        assert site.link
        site.child("workers", "inspect")
        processes = site.processes()
        assert len(processes) >= 4
        site.process.send_signal(signal.SIGINT)
        assert site.process.wait(PATIENCE) == 0
        # At this very moment, zombies included: what a worker leaves behind is the supervisor's to wait for.
        assert not [process for process in processes if process.is_running()]
        assert "Stopped." in site.text


def test_kill_9_of_the_supervisor_leaves_no_process(tmp_path: Path) -> None:
    with Site(tmp_path / "var") as site:
        assert site.link
        processes = site.processes()
        site.process.kill()
        site.process.wait(PATIENCE)
        assert all_gone(processes)
    with Site(tmp_path / "var") as again:
        assert again.link


def test_a_home_with_a_long_path_works(tmp_path: Path) -> None:
    home = tmp_path / ("long " * 20).strip() / "var"
    with Site(home) as site, urllib.request.urlopen(f"{site.url}/api/v1/health", timeout=PATIENCE) as answer:
        assert json.load(answer)["redis"]


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        with Site(tmp_path / "var", PORT=port) as site:
            assert site.process.wait(PATIENCE) == 1
            site.wait_for(rf"Port {port} of 127\.0\.0\.1 is in use")
            assert "Traceback" not in site.text


def test_beyond_loopback_it_warns_and_everyone_must_sign_in(tmp_path: Path) -> None:
    with Site(tmp_path / "var", HOST="0.0.0.0") as site:
        site.wait_for("WARNING: listening on 0.0.0.0")
        with pytest.raises(urllib.error.HTTPError) as refused:
            _json(f"{site.url}/api/v1/jobs")
        assert refused.value.code == 401


def test_a_database_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with Site(tmp_path / "var", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none") as site:
        assert site.process.wait(PATIENCE) == 1
        site.wait_for("The database does not answer")
        assert "Traceback" not in site.text


def test_nothing_of_the_workshop_reaches_an_engine_child(site: Site) -> None:
    """The children that hold torch have neither the database's address nor the signing key."""
    assert site.link
    secrets = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "VITRINE_HOME", "DJANGO_SETTINGS_MODULE"}
    for process in site.child("workers", "train").children(recursive=True):
        try:
            seen = process.environ()
        except (psutil.AccessDenied, psutil.NoSuchProcess):
            continue
        assert not secrets & set(seen), os.fspath(process.exe())
