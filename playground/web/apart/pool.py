"""Who gets a tokenizer child: each visitor has their own, so that nobody waits for another's hostile file.

A child that has opened one visitor's file is never lent to another one. When all are in use, the one that has been idle
longest makes room; when none is idle, the request waits a little and is then refused.
"""

import atexit
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.utils.translation import gettext as _

from playground.domain.errors import BadInput, Unavailable
from playground.web.apart.child import PATIENCE, Child, Gone

MOST = 8
"""Children of one web process; each takes about 60 MB, and at most 1 GB."""
MOST_EACH = 2
IDLE = 300.0
"""Seconds after which an unused child ends."""


class Pool:
    """All children of this process. Safe for threads."""

    def __init__(self) -> None:
        self._free: dict[object, list[Child]] = {}
        self._busy: dict[object, int] = {}
        self._change = threading.Condition()

    def ask(self, owner: object, request: dict[str, Any]) -> bytes:
        """An answer of one of the owner's children. Raises its refusal; BadInput if it had to end; Unavailable."""
        with self._lent(owner) as child:
            try:
                return child.ask(request)
            except Gone as gone:
                child.end()
                if gone.late:
                    told = _("It took longer than {seconds} seconds and was stopped.").format(seconds=int(PATIENCE))
                    raise BadInput(told, code="too_slow") from None
                told = _("The process that opened it ended: it needs more time or memory than a tokenizer may take.")
                raise BadInput(told, code="bad_file") from None

    @contextmanager
    def _lent(self, owner: object) -> Iterator[Child]:
        child = self._take(owner)
        try:
            yield child
        finally:
            with self._change:
                self._busy[owner] -= 1
                if not self._busy[owner]:
                    del self._busy[owner]
                if child.alive:
                    self._free.setdefault(owner, []).append(child)
                self._change.notify_all()

    def _take(self, owner: object) -> Child:
        deadline = time.monotonic() + PATIENCE
        with self._change:
            while True:
                self._tidy()
                own = self._free.get(owner, [])
                if own:
                    self._busy[owner] = self._busy.get(owner, 0) + 1
                    return own.pop()
                if self._busy.get(owner, 0) < MOST_EACH and self._room():
                    self._busy[owner] = self._busy.get(owner, 0) + 1
                    break
                if not self._change.wait(max(0.0, deadline - time.monotonic())):
                    raise Unavailable(_("Too much is being computed now. Try again in a moment."))
        try:
            return Child()
        except OSError:
            with self._change:
                self._busy[owner] -= 1
                self._change.notify_all()
            raise Unavailable(_("No process can be started now. Try again in a moment.")) from None

    def _room(self) -> bool:
        """Whether one more may start, after ending the longest idle one if need be."""
        idle = [(child.used_at, owner, child) for owner, children in self._free.items() for child in children]
        if len(idle) + sum(self._busy.values()) < MOST:
            return True
        if not idle:
            return False
        _used, owner, child = min(idle, key=lambda item: item[0])
        self._free[owner].remove(child)
        child.end()
        return True

    def _tidy(self) -> None:
        now = time.monotonic()
        for owner, children in list(self._free.items()):
            for child in list(children):
                if not child.alive or now - child.used_at > IDLE:
                    children.remove(child)
                    child.end()
            if not children:
                del self._free[owner]

    def close(self) -> None:
        """End every child that nobody is using."""
        with self._change:
            for children in self._free.values():
                for child in children:
                    child.end()
            self._free.clear()


pool = Pool()
atexit.register(pool.close)
