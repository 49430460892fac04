"""Tokenizers and models are published only after the check, and a refused one leaves nothing."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from playground.domain.errors import BadInput, Unavailable
from playground.library import artifacts, networks, tokenizers
from playground.library.models import Artifact
from playground.people.models import User
from tests.library.test_archives import GOOD, packed

pytestmark = pytest.mark.usefixtures("clean_store")
TOKENIZER = {"version": "1.0", "model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": []}}


def accept(folder: Path) -> Mapping[str, Any]:
    """A worker that opens everything."""
    return {
        "vocab_size": 5,
        "files": sorted(path.name for path in folder.iterdir()) if folder.is_dir() else [folder.name],
    }


def refuse(folder: Path) -> Mapping[str, Any]:
    """A worker whose child came to grief."""
    raise BadInput("The process that opened this came to grief.")


def away(folder: Path) -> Mapping[str, Any]:
    """No worker at all."""
    raise Unavailable("No inspect worker is alive.")


def left_behind(tmp_path: Path) -> bool:
    """Whether a refusal has left a row, a stored file or a draft."""
    drafts = list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir())
    return Artifact.objects.exists() or (tmp_path / "store").exists() or bool(drafts)


def tokenizer_file(tmp_path: Path, content: object) -> Path:
    """An upload."""
    file = tmp_path / "tokenizer.upload"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def test_a_checked_tokenizer_is_published_with_what_the_check_says(user: User, tmp_path: Path) -> None:
    row = tokenizers.add(user, {"upload": tokenizer_file(tmp_path, TOKENIZER)}, "mine", accept)
    assert row.meta == {"vocab_size": 5, "files": ["tokenizer.json"]}
    assert json.loads((artifacts.path_of(row) / "tokenizer.json").read_text()) == TOKENIZER


@pytest.mark.parametrize("check", [refuse, away])
def test_an_unchecked_tokenizer_is_not(user: User, tmp_path: Path, check: tokenizers.Check) -> None:
    with pytest.raises((BadInput, Unavailable)):
        tokenizers.add(user, {"upload": tokenizer_file(tmp_path, TOKENIZER)}, "mine", check)
    assert not left_behind(tmp_path)


def test_a_checked_model_is_published(user: User, tmp_path: Path) -> None:
    row = networks.add(user, packed(tmp_path / "m.zip", GOOD), "mine", accept)
    assert row.meta["files"] == sorted(GOOD)
    assert (artifacts.path_of(row) / "model.safetensors").read_bytes() == b"weights"


@pytest.mark.parametrize("files", [GOOD, {"config.json": b"{}"}])
def test_an_unchecked_or_incomplete_model_is_not(user: User, tmp_path: Path, files: dict[str, bytes]) -> None:
    with pytest.raises(BadInput):
        networks.add(user, packed(tmp_path / "m.zip", files), "mine", refuse)
    assert not left_behind(tmp_path)
