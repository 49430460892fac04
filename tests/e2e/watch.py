"""Watches every page of a browser window: errors in the console, breaches of the content policy, foreign requests."""

import re

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, WebError

GIVEN_UP = "Transition was (aborted|skipped)"
"""The browser leaves out the fade between two pages when it is busy; nothing is lost."""


class Watch:
    """Collects complaints; `check` fails with all of them. `expect` names what a test provokes on purpose."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.complaints: list[str] = []
        self._origins = (origin, origin.replace("http", "ws", 1), "data:", "blob:")
        self._expected = [GIVEN_UP]
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("request", self._request)
        context.on("page", self._page)

    def expect(self, pattern: str) -> None:
        """Let complaints that contain this pattern pass."""
        self._expected.append(pattern)

    def check(self) -> None:
        """Fail if there was anything else."""
        found = [text for text in self.complaints if not any(re.search(p, text) for p in self._expected)]
        assert not found, "\n".join(found)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text} at {message.location['url']}")

    def _error(self, error: WebError) -> None:
        self.complaints.append(f"exception: {error.error}")

    def _request(self, request: Request) -> None:
        self._address(request.url)

    def _page(self, page: Page) -> None:
        page.on("websocket", lambda socket: self._address(socket.url))

    def _address(self, url: str) -> None:
        if not url.startswith(self._origins):
            self.complaints.append(f"request to elsewhere: {url}")
