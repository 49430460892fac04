"""From the worker's step to the browser, with fifty sockets watching one run.

A real run is trained by a worker whose engine stamps each step with the wall clock; fifty websockets of this
process note when the step arrives. All on one machine, so there is one clock. The site's own train worker is
frozen meanwhile, so that the stamping one gets the run.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from websockets.asyncio.client import connect

from benchmarks.client import PATIENCE, Client
from tests.support.site import ROOT, Site

SOCKETS = 50
STEPS = 150
WARM_UP = 10
"""Steps left out at the start, while pages of what was there before are still on their way."""


@dataclass(frozen=True)
class Delivery:
    """Seconds from a step to its arrival, over all sockets and steps; `lost` counts steps that a socket never got."""

    seconds: list[float]
    sockets: int
    lost: int

    def percentile(self, percent: int) -> float:
        """Seconds within which so many percent arrived."""
        return statistics.quantiles(self.seconds, n=100, method="inclusive")[percent - 1]


def measure(sockets: int = SOCKETS, steps: int = STEPS) -> Delivery:
    """Train one run of the 1 M preset and time the arrival of each of its steps at each socket."""
    with tempfile.TemporaryDirectory() as folder, Site(Path(folder) / "var") as site:
        client = Client(site)
        site.wait_for("Ready to look into models")
        own = site.child("workers", "train")
        # Its engine children too, which may be measuring the machine's speed.
        frozen = [own, *own.children(recursive=True)]
        for process in frozen:
            process.suspend()
        worker = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.stamped_worker"],
            cwd=ROOT,
            env={**os.environ, "VITRINE_HOME": str(site.home)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_for(worker, client)
            job = client.train(preset="1m", steps=steps, eval_interval=steps, sample_interval=steps)
            arrivals = asyncio.run(_watch(client, job, sockets))
        finally:
            worker.terminate()
            worker.wait(PATIENCE)
            for process in frozen:
                process.kill()
    if not any(arrivals):
        raise RuntimeError("no step was stamped: another worker took the run, or it failed")
    return Delivery(
        [seconds for one in arrivals for seconds in one], sockets, sum(steps - WARM_UP - len(one) for one in arrivals)
    )


def _wait_for(worker: subprocess.Popen[bytes], client: Client) -> None:
    """Wait until the stamping worker has signed on; raises where it has died instead."""
    name = f"-{worker.pid}"
    while not any(found["name"].endswith(name) for found in client.call("GET", "queue")["workers"]):
        if worker.poll() is not None:
            raise RuntimeError(f"the stamping worker ended with exit code {worker.returncode}")
        time.sleep(0.2)


async def _watch(client: Client, job: str, sockets: int) -> list[list[float]]:
    return await asyncio.gather(*(_one(client, job) for _ in range(sockets)))


async def _one(client: Client, job: str) -> list[float]:
    """One socket: the delay of each step after the warm-up."""
    address = client.url.replace("http", "ws", 1) + f"/ws/jobs/{job}?after=0"
    delays: dict[int, float] = {}
    headers = {"Authorization": f"Bearer {client.token}"}
    async with asyncio.timeout(PATIENCE), connect(address, additional_headers=headers, max_size=None) as socket:
        async for frame in socket:
            now = time.time()
            for event in json.loads(frame)["events"]:
                data = event["data"]
                if event["type"] == "status" and data["status"] in ("done", "failed", "stopped"):
                    return [delay for step, delay in delays.items() if step > WARM_UP]
                if event["type"] == "metrics" and "clock" in data:
                    stamped = zip(data["step"], data["clock"], strict=True)
                    # A value of a step that came later, such as the validation loss, has no stamp.
                    delays.update({step: now - clock for step, clock in stamped if clock is not None})
    raise ConnectionError("the socket was closed before the run had ended")
