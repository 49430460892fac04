"""New events of watched jobs: one reader for each job and process, whoever many watch.

The reader looks into the database when a poke comes, at most twenty times a second, and each second
without one. What it finds is encoded once, as a frame, and kept in a short ring; a watcher is nothing but
a number, the last event it has. Whoever falls out of the ring reads the database itself. So nothing grows
with the number of watchers or with their slowness.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID
from weakref import WeakKeyDictionary

from playground.domain.messages import Event
from playground.ledger.models import Job
from playground.web.database import query
from playground.web.pokes import listen
from playground.web.problems import encode
from playground.web.reading import bounded

logger = logging.getLogger("vitrine.web")

FRAME_GAP = 0.05
"""Seconds between two looks: twenty frames a second are all that a chart can show."""
LOOK_EVERY = 1.0
"""Seconds after which a watched job is looked at without a poke."""
PAGE = 200
PAGE_CHARACTERS = 1 << 18
"""Events read at a time, for the ring or for one who is behind: all that such a one holds of the server's memory."""
FRAME_CHARACTERS = 1 << 16
"""A frame is sent when it is this long; with it a stalled reader costs about as many bytes."""
RING_CHARACTERS = 1 << 22
"""Frames kept for those who are a little behind."""


@dataclass(frozen=True)
class Frame:
    """Consecutive events, encoded as the text that is sent."""

    first: int
    last: int
    text: str


def frames(events: Sequence[Event]) -> list[Frame]:
    """Pack events into as few frames as their length allows."""
    found: list[Frame] = []
    texts: list[str] = []
    first = size = 0
    for event in events:
        text = encode(event.model_dump(mode="json"))
        if texts and size + len(text) > FRAME_CHARACTERS:
            found.append(_frame(first, event.seq - 1, texts))
            texts, size = [], 0
        first = first if texts else event.seq
        texts.append(text)
        size += len(text)
    if texts:
        found.append(_frame(first, events[-1].seq, texts))
    return found


def _frame(first: int, last: int, texts: list[str]) -> Frame:
    return Frame(first, last, '{"events":[' + ",".join(texts) + "]}")


@dataclass
class Watch:
    """One watched job: its ring, how far its reader has come, and how many look on."""

    job: UUID
    tail: int
    watchers: int = 0
    ring: deque[Frame] = field(default_factory=deque)
    poked: asyncio.Event = field(default_factory=asyncio.Event)
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self) -> None:
        """Look for new events until cancelled."""
        looked = 0.0
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.poked.wait(), LOOK_EVERY)
            # The first poke after a pause is answered at once, those right behind it together.
            await asyncio.sleep(max(0.0, looked + FRAME_GAP - time.monotonic()))
            looked = time.monotonic()
            self.poked.clear()
            try:
                while await self._look():
                    pass
            except Exception as error:
                # Whatever it was, the next look may succeed; a reader that died would leave its watchers waiting.
                logger.warning("events of %s cannot be read now: %r", self.job, error)

    async def _look(self) -> bool:
        """Take one page; whether there are more."""
        events, more = await query(bounded, self.job, self.tail, PAGE, PAGE_CHARACTERS)
        if not events:
            return False
        self.ring.extend(frames(events))
        self.tail = events[-1].seq
        size = sum(len(frame.text) for frame in self.ring)
        while size > RING_CHARACTERS:
            size -= len(self.ring.popleft().text)
        # Whoever waits holds the old event; setting it frees them all, and the next wait for the new one.
        self.moved.set()
        self.moved = asyncio.Event()
        return more

    async def after(self, cursor: int) -> list[Frame]:
        """The frames that follow event `cursor`, from the ring or else from the database; maybe none."""
        following = [frame for frame in self.ring if frame.last > cursor]
        if cursor >= self.tail or (following and following[0].first == cursor + 1):
            return following
        events, _more = await query(bounded, self.job, cursor, PAGE, PAGE_CHARACTERS)
        return frames(events)

    async def wait(self, cursor: int, seconds: float) -> None:
        """Return when there may be events after `cursor`, at the latest after so many seconds."""
        moved = self.moved
        if self.tail > cursor:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(moved.wait(), seconds)


class Feed:
    """The watches of one event loop, and its subscription to the pokes."""

    def __init__(self) -> None:
        self._watches: dict[str, Watch] = {}
        self._readers: dict[str, asyncio.Task[None]] = {}
        self._listener: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def watching(self, job: UUID) -> AsyncIterator[Watch]:
        """Watch a job for as long as the block runs; the last to leave ends the reader."""
        key = str(job)
        if key not in self._watches:
            last = await query(_last_seq, job)
            if key not in self._watches:
                self._watches[key] = Watch(job, last)
                self._readers[key] = asyncio.create_task(self._watches[key].read())
        if self._listener is None or self._listener.done():
            self._listener = asyncio.create_task(listen(self._hear))
        watch = self._watches[key]
        watch.watchers += 1
        try:
            yield watch
        finally:
            watch.watchers -= 1
            if watch.watchers == 0:
                del self._watches[key]
                self._readers.pop(key).cancel()
            if not self._watches and self._listener is not None:
                self._listener.cancel()
                self._listener = None

    def _hear(self, job: str, seq: int) -> None:
        watch = self._watches.get(job)
        if watch is not None and seq > watch.tail:
            watch.poked.set()


_feeds: WeakKeyDictionary[asyncio.AbstractEventLoop, Feed] = WeakKeyDictionary()


def feed() -> Feed:
    """The feed of the running loop."""
    return _feeds.setdefault(asyncio.get_running_loop(), Feed())


def _last_seq(job: UUID) -> int:
    row = Job.objects.filter(pk=job).values_list("next_seq", flat=True).first()
    return row - 1 if row else 0
