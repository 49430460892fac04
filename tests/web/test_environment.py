"""Deployment by environment variables: parsed once, refused by name, with safe defaults."""

import stat
from pathlib import Path

import pytest

from playground import settings as product
from playground.settings_environment import VARIABLES, read


def test_without_variables_everything_has_a_default() -> None:
    found = read({})
    assert (found.host, found.port, found.loopback, found.debug) == ("127.0.0.1", 8000, True, False)
    assert found.hosts() == ["127.0.0.1", "localhost", "[::1]"]
    assert found.vitrine_max_corpus_bytes == 1 << 30


def test_an_empty_variable_counts_as_not_given() -> None:
    assert read({"PORT": " ", "DEBUG": ""}) == read({})


def test_every_mistake_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        read({"PORT": "99999", "DEBUG": "perhaps", "VITRINE_SLOTS": "0"})
    said = str(caught.value)
    for name in ("PORT", "DEBUG", "VITRINE_SLOTS"):
        assert f"{name}: " in said


def test_each_variable_has_its_meaning() -> None:
    assert all(len(meaning) > 10 for meaning in VARIABLES.values())
    assert {"VITRINE_HOME", "DATABASE_URL", "REDIS_URL", "STORAGE_URL", "SECRET_KEY", "HOST", "PORT"} <= set(VARIABLES)


def test_beyond_loopback_the_machines_own_names_are_hosts() -> None:
    found = read({"HOST": "0.0.0.0"})
    assert not found.loopback
    assert "*" not in found.hosts()
    assert "localhost" in found.hosts()
    assert read({"HOST": "0.0.0.0", "ALLOWED_HOSTS": "a.example, b.example"}).hosts() == ["a.example", "b.example"]


def test_the_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    found = read({"VITRINE_HOME": str(tmp_path / "home")})
    key = found.signing_key()
    assert len(key) > 50
    assert read({"VITRINE_HOME": str(tmp_path / "home")}).signing_key() == key
    assert stat.S_IMODE((tmp_path / "home" / "secret_key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["secret_key"]
    assert read({"VITRINE_HOME": str(tmp_path), "SECRET_KEY": "given"}).signing_key() == "given"


def test_sqlite_queues_its_writers_and_keeps_what_is_committed() -> None:
    options = product.SQLITE_OPTIONS
    assert options["transaction_mode"] == "IMMEDIATE"
    for pragma in ("journal_mode=WAL", "busy_timeout=5000", "synchronous=FULL"):
        assert pragma in options["init_command"]


def test_passwords_are_kept_with_argon2() -> None:
    assert product.PASSWORD_HASHERS == ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    assert not product.DEBUG
