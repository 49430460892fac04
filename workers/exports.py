"""Exports, seen from the worker: nobody waits at a list; how far one is stands in Redis, what was made in the store.

The request's number is the name of what is made, so that two requests for the same are one.
"""

import logging
import shutil
import time
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.utils.translation import gettext_noop as mark

from playground.library import exports
from workers.inspection import Reply

log = logging.getLogger("vitrine.export")
TELL = 0.25
"""Seconds between two words about progress."""
ABANDONED = 3600
"""Seconds after which nobody writes into a folder any more."""

NO_SPACE = mark("There is no space left on the disk for this file.")


def folder() -> Path:
    """Where children write what they make, on this machine."""
    return Path(settings.VITRINE_HOME) / "exports"


def tidy() -> None:
    """Remove what was half made when an earlier worker ended; another one may be at work beside this."""
    for path in folder().iterdir() if folder().is_dir() else ():
        if time.time() - path.stat().st_mtime > ABANDONED:
            shutil.rmtree(path, ignore_errors=True)


class Export(Reply):
    """The answer of an export: progress on the way, and at the end a folder that goes into the store."""

    def __init__(self, client: "redis.Redis", request: str) -> None:
        super().__init__(client, request)
        self._folder = folder() / request
        self._told = 0.0
        self._made = False

    def places(self) -> dict[str, str]:
        """An empty folder for the child."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(mode=0o700, parents=True)
        return {"folder": str(self._folder)}

    def send(self, frame: dict[str, Any]) -> None:
        """Take one frame of the child."""
        match frame["type"]:
            case "data":
                self._made |= frame["data"].get("made", False)
                self._progress(float(frame["data"]["progress"]))
            case "end":
                self._keep()
            case _:
                exports.tell(self._client, self.request, "failed", message=str(frame["message"]))
        if frame["type"] != "data":
            shutil.rmtree(self._folder, ignore_errors=True)

    def cancelled(self, now: float) -> bool:
        """Nobody takes an export back."""
        return False

    def _progress(self, share: float) -> None:
        now = time.monotonic()
        if now - self._told >= TELL:
            self._told = now
            exports.tell(self._client, self.request, "running", progress=share)

    def _keep(self) -> None:
        if not self._made:
            # The worker leaves, and the child was told to stop half-way: the next request begins anew.
            exports.forget(self._client, self.request)
            return
        try:
            exports.keep(self.request, self._folder)
        except OSError as error:
            log.warning("Export %s could not be kept: %s", self.request, error)
            exports.tell(self._client, self.request, "failed", message=NO_SPACE)
            return
        exports.forget(self._client, self.request)
