"""Reading curves: the metrics of a run as one list of steps and one of values for each series."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict
from uuid import UUID

from playground.ledger.models import Event


class Series(TypedDict):
    """A curve; `step` increases strictly and `value` is as long."""

    step: list[int]
    value: list[float]


class Difference(TypedDict):
    """The first step at which a series of two runs differs, and both values."""

    step: int
    series: str
    values: tuple[float, float]


def first_difference(
    one: dict[str, Series], other: dict[str, Series], names: Iterable[str]
) -> tuple[int, Difference | None]:
    """Compare two runs number by number: how many steps both have, and where the first of `names` differs first.

    Values are compared exactly. A step that only one of the runs has is no difference.
    """
    common: set[int] = set()
    first: Difference | None = None
    for name in names:
        if name not in one or name not in other:
            continue
        known = dict(zip(other[name]["step"], other[name]["value"], strict=True))
        for step, value in zip(one[name]["step"], one[name]["value"], strict=True):
            if step not in known:
                continue
            common.add(step)
            if value != known[step] and (first is None or step < first["step"]):
                first = {"step": step, "series": name, "values": (value, known[step])}
    return len(common), first


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
