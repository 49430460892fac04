"""Starter content: one small corpus of our own writing, shared by all, so that the first click works."""

import shutil
import time
from pathlib import Path

from django.conf import settings

from playground.library import corpora
from playground.library.models import Artifact, Kind
from playground.library.tokenizers import staging
from playground.storyworld import generate

NAME = "Storyworld"
SOURCE = "storyworld"
SEED = 1
CHARACTERS = 1_000_000
"""About 250,000 tokens: a model of a million parameters reads it a few times in its first run."""
STALE = 24 * 3600
"""Seconds after which what an interrupted upload left behind is swept away."""


def ensure() -> Artifact:
    """Put the starter corpus into the library unless it is there; returns it."""
    sweep()
    known = Artifact.objects.filter(kind=Kind.CORPUS, owner=None, origin__source=SOURCE).first()
    if known is not None:
        return known
    folder = staging()
    try:
        file = folder / "storyworld.txt"
        file.write_text(generate(SEED, CHARACTERS), encoding="utf-8")
        return corpora.add(None, file, NAME, limit=settings.MAX_CORPUS_BYTES, source=SOURCE)[0]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep() -> None:
    """Remove old temporary files of uploads whose process was killed."""
    limit = time.time() - STALE
    for path in Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir():
        if path.stat().st_mtime < limit:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
