"""What of a run is stored: the mark up to which a resumed attempt must stay silent, and the filter that enforces it.

A resumed attempt repeats the steps since its checkpoint. It is told to be silent about them; should it speak all the
same, or should an append be repeated because its answer was lost, `fresh` drops what stands in the log already. That
is why each step stands there once.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from playground.domain.errors import BadInput
from playground.domain.messages import CheckpointMark, NewEvent, Recorded


def fresh(mark: Recorded, events: Iterable[NewEvent]) -> tuple[list[NewEvent], Recorded]:
    """Return the events, or parts of events, that are not stored yet, and the mark after them.

    Raises BadInput for metrics that are not lists of one length over increasing steps.
    """
    kept: list[NewEvent] = []
    for event in events:
        new: NewEvent | None = event
        if event.type == "metrics":
            new, mark = _metrics(event, mark)
        elif event.type in {"sample", "probe"}:
            new, mark = _once_per_step(event, mark)
        elif event.type == "checkpoint":
            place = CheckpointMark(step=event.data["step"], path=event.data["path"])
            mark = mark.model_copy(update={"checkpoint": place})
        if new is not None:
            kept.append(new)
    return kept, mark


def last_step(events: Iterable[NewEvent]) -> int:
    """Return the highest step that the metrics among the events speak of, 0 for none."""
    return max((event.data["step"][-1] for event in events if event.type == "metrics"), default=0)


def _once_per_step(event: NewEvent, mark: Recorded) -> tuple[NewEvent | None, Recorded]:
    """All samples of one step are one event, and so are all probes."""
    step = event.data.get("step")
    if not isinstance(step, int):
        raise BadInput(f"A {event.type} event needs its step.")
    if step <= getattr(mark, event.type):
        return None, mark
    size = sum(len(blob) * 3 // 4 for blob in event.blobs)
    return event, mark.model_copy(update={event.type: step, "probe_bytes": mark.probe_bytes + size})


def _metrics(event: NewEvent, mark: Recorded) -> tuple[NewEvent | None, Recorded]:
    steps, columns = _columns(event.data)
    known = {name: mark.series.get(name, 0) for name in columns}
    if steps[0] > max(known.values(), default=0):
        data: dict[str, Any] = event.data
    else:
        blanked = {
            name: [value if step > known[name] else None for step, value in zip(steps, values, strict=True)]
            for name, values in columns.items()
        }
        rows = [row for row in range(len(steps)) if any(values[row] is not None for values in blanked.values())]
        if not rows:
            return None, mark
        data = {"step": [steps[row] for row in rows]}
        data |= {name: [values[row] for row in rows] for name, values in blanked.items()}
    series = dict(mark.series)
    for name in columns:
        told = [step for step, value in zip(data["step"], data[name], strict=True) if value is not None]
        series[name] = max([known[name], *told[-1:]])
    return NewEvent(type="metrics", data=data), mark.model_copy(update={"series": series})


def _columns(data: dict[str, Any]) -> tuple[list[int], dict[str, list[float | None]]]:
    steps = data.get("step")
    columns = {name: values for name, values in data.items() if name != "step"}
    if not isinstance(steps, list) or not steps or not all(isinstance(step, int) and step > 0 for step in steps):
        raise BadInput("Metrics need a list of steps, from 1 on.")
    if any(later <= earlier for earlier, later in pairwise(steps)):
        raise BadInput("The steps of metrics must increase.")
    for name, values in columns.items():
        if not isinstance(values, list) or len(values) != len(steps):
            raise BadInput(f"The series {name} is not as long as its steps.")
    return steps, columns
