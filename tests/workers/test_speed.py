"""The speed of a machine: measured three times between jobs, of use from the first figure on, kept in a file."""

import json
import queue
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from workers import speed
from workers.speed import Speed

POINTS = [{"work": "next_token", "parameters": 1000, "flops_per_s": 1e9, "precision": "fp32"}]


OTHERS = [{**POINTS[0], "pass_seconds": 0.0, "score_seconds": 0.0}]


def told(*rates: float) -> list[dict[str, Any]]:
    """What a child says that measures one point more with each frame, and then ends."""
    points = [{**OTHERS[0], "parameters": 1000 + place, "flops_per_s": rate} for place, rate in enumerate(rates)]
    frames = [
        {"id": "speed", "type": "data", "data": {"speed": points[: count + 1], "libraries": 5}}
        for count in range(len(points))
    ]
    return [*frames, {"id": "speed", "type": "end"}]


class Gauge:
    """A child that measures as told, in place of a process; a list of lists is told child by child."""

    says: Any = None

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self.ended = False

    def send_raw(self, message: bytes) -> None:
        """Take the order."""
        assert json.loads(message)["verb"] == "measure"

    def receive(self, timeout: float) -> bytes | None:
        """Say it."""
        if not self.says or not self.says[0]:
            threading.Event().wait(timeout)
            raise queue.Empty
        frame = self.says[0].pop(0)
        if frame["type"] == "end":
            self.says.pop(0)
        return json.dumps(frame).encode()

    def end(self) -> None:
        """End."""
        self.ended = True

    def close(self) -> None:
        """Close."""
        assert self.ended


@pytest.fixture
def gauge(monkeypatch: pytest.MonkeyPatch) -> type[Gauge]:
    """Have speed measured by a gauge."""
    monkeypatch.setattr(speed, "Child", Gauge)
    monkeypatch.setattr(speed, "QUIET", 0.05)
    monkeypatch.setattr(speed, "LATER", 0.05)
    monkeypatch.setattr(Gauge, "says", None)
    return Gauge


def measuring(folder: Path, leaving: threading.Event | None = None) -> Speed:
    """A thread that measures."""
    made = Speed(folder / "speed.json", "here", "cpu", 1, leaving or threading.Event())
    made.start()
    return made


def test_speed_is_measured_three_times_and_kept_by_key(gauge: type[Gauge], tmp_path: Path) -> None:
    """One of the three was disturbed; the median of the others' places counts."""
    gauge.says = [told(1e9, 5e9), told(1e8, 6e8), told(2e9, 4e9)]
    first = measuring(tmp_path)
    first.join(20)
    assert [point["flops_per_s"] for point in first.points] == [1e9, 4e9]
    assert first.libraries == 5
    assert Speed(tmp_path / "speed.json", "here", "cpu", 1, threading.Event()).points == first.points
    other = Speed(tmp_path / "speed.json", "elsewhere", "cpu", 1, threading.Event())
    assert (other.points, other.libraries) == ([], 0)


def test_what_is_measured_first_is_of_use_at_once(gauge: type[Gauge], tmp_path: Path) -> None:
    gauge.says = [told(1e9, 5e9)[:1]]
    leaving = threading.Event()
    made = measuring(tmp_path, leaving)
    deadline = time.monotonic() + 20
    while not made.points and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [point["flops_per_s"] for point in made.points] == [1e9]
    assert not (tmp_path / "speed.json").exists()
    leaving.set()
    made.join(20)


def test_a_file_of_an_earlier_version_is_measured_anew(tmp_path: Path) -> None:
    (tmp_path / "speed.json").write_text(json.dumps({"here": POINTS}))
    assert Speed(tmp_path / "speed.json", "here", "cpu", 1, threading.Event()).measured is None


def test_a_job_interrupts_the_measurement_which_is_made_up_for(gauge: type[Gauge], tmp_path: Path) -> None:
    made = measuring(tmp_path)
    made.busy(on=True)
    made.join(0.3)
    assert made.is_alive()
    gauge.says = [told(1e9) for _ in range(3)]
    made.busy(on=False)
    made.join(20)
    assert made.points == OTHERS


def test_a_machine_that_cannot_be_measured_is_left_in_peace(gauge: type[Gauge], tmp_path: Path) -> None:
    error = {"id": "speed", "type": "error", "code": "internal", "message": "no", "status": 500}
    gauge.says = [[error] * 3]
    made = measuring(tmp_path)
    made.join(20)
    assert not made.is_alive()
    assert made.points == []
