"""A program that uses the API of a site under measurement, with a token of the owner's."""

import json
import time
import urllib.request
from typing import Any

from tests.support.site import Site

PATIENCE = 600.0


class Client:
    """The few calls that a measurement needs."""

    def __init__(self, site: Site) -> None:
        self.url = site.url
        self.token = site.manage("create_token", "benchmark").strip()

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One call of the API; raises urllib.error.HTTPError where it is refused."""
        request = urllib.request.Request(
            f"{self.url}/api/v1/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def corpus(self) -> str:
        """The id of the starter corpus."""
        return str(self.call("GET", "corpora")["items"][0]["id"])

    def train(self, **params: Any) -> str:
        """Queue a run on the starter corpus; returns its id."""
        body = {"kind": "clm", "params": {"corpus": self.corpus(), **params}}
        return str(self.call("POST", "jobs", body)["id"])

    def stop(self, job: str) -> None:
        """Stop a run and wait until it has ended."""
        self.call("POST", f"jobs/{job}/stop")
        deadline = time.monotonic() + PATIENCE
        while self.call("GET", f"jobs/{job}")["status"] not in ("done", "failed", "stopped"):
            if time.monotonic() > deadline:
                raise TimeoutError(f"job {job} does not stop")
            time.sleep(0.2)
