"""Reading curves: the metrics of a run as one list of steps and one of values for each series."""

from __future__ import annotations

from typing import TypedDict
from uuid import UUID

from playground.ledger.models import Event


class Series(TypedDict):
    """A curve; `step` increases strictly and `value` is as long."""

    step: list[int]
    value: list[float]


def metrics(job_id: UUID) -> dict[str, dict[str, Series]]:
    """Return {"series": {name: {"step": [...], "value": [...]}}} of all metrics events, each step once."""
    series: dict[str, Series] = {}
    pages = Event.objects.filter(job=job_id, type="metrics").order_by("seq").values_list("data", flat=True)
    for data in pages.iterator(chunk_size=500):
        for name, values in data.items():
            if name == "step":
                continue
            curve = series.setdefault(name, {"step": [], "value": []})
            for step, value in zip(data["step"], values, strict=True):
                if value is not None and (not curve["step"] or step > curve["step"][-1]):
                    curve["step"].append(step)
                    curve["value"].append(value)
    return {"series": series}
