"""The web process as a whole: light, without torch; its static files; its starter content."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import AsyncClient, Client

from playground.library import corpora
from playground.library.models import Artifact
from playground.library.text import examine
from playground.web import starter

ROOT = Path(settings.BASE_DIR)
HEAVY = ("torch", "transformers", "peft", "safetensors", "workers")


def test_the_application_loads_no_torch_and_no_worker(tmp_path: Path) -> None:
    code = (
        "import sys, playground.asgi\n"
        "from django.urls import get_resolver\n"
        "get_resolver().url_patterns\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    environment = {**os.environ, "VITRINE_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "playground.settings"}
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def test_the_starter_corpus_is_there_once_and_shared(db: None, clean_store: Path) -> None:
    first = starter.ensure()
    assert starter.ensure() == first
    assert Artifact.objects.count() == 1
    assert first.shared
    assert examine(corpora.text_path(first)).sha256 == first.sha256
    assert first.meta["characters"] >= starter.CHARACTERS
    assert not list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir())


def test_what_a_killed_upload_left_is_swept_and_what_is_new_is_not() -> None:
    folder = Path(settings.FILE_UPLOAD_TEMP_DIR)
    (folder / "old").write_text("x")
    (folder / "old-folder").mkdir()
    (folder / "old-folder" / "part").write_text("x")
    (folder / "new").write_text("x")
    past = time.time() - starter.STALE - 60
    for name in ("old", "old-folder"):
        os.utime(folder / name, (past, past))
    starter.sweep()
    assert [path.name for path in folder.iterdir()] == ["new"]
    (folder / "new").unlink()


STYLE = "/static/ninja/swagger-ui.css"


def test_static_files_are_served_and_cached() -> None:
    response = Client().get(STYLE)
    assert response.status_code == 200
    assert response["content-type"].startswith("text/css")
    content = b"".join(iter(response))
    assert len(content) == int(response["content-length"])
    again = Client().get(STYLE, headers={"if-none-match": response["etag"]})
    assert again.status_code == 304


async def test_static_files_are_streamed_without_blocking() -> None:
    response: Any = await AsyncClient().get(STYLE)
    pieces = [piece async for piece in response.streaming_content]
    assert sum(len(piece) for piece in pieces) == int(response["content-length"])
    part: Any = await AsyncClient().get(STYLE, headers={"range": "bytes=0-9"})
    assert part.status_code == 206
    assert len(b"".join([piece async for piece in part.streaming_content])) == 10


@pytest.mark.parametrize(
    "path", ["/static/../settings.py", "/static/%2e%2e/settings.py", "/static/", "/static//etc/passwd"]
)
def test_nothing_else_is_served_as_static(db: None, path: str) -> None:
    assert Client().get(path).status_code in (302, 404)
