"""Results of exhibits that look into a model: asked for once, kept for a while, shared by all who ask meanwhile."""

import asyncio
import json
from collections import OrderedDict
from typing import Any

from playground.web import inspect

KEPT_CHARACTERS = 32 << 20
"""How much of results one process keeps; a result has some hundred kilobytes at most."""

_kept: OrderedDict[str, dict[str, Any]] = OrderedDict()
_sizes: dict[str, int] = {}
_asked: dict[str, asyncio.Task[dict[str, Any]]] = {}


async def computed(wing: str, slug: str, params: dict[str, Any], model: str) -> dict[str, Any]:
    """The exhibit's result for a model (by content hash); a pure function, so that keeping it is safe."""
    key = json.dumps([wing, slug, model, params], sort_keys=True)
    if key in _kept:
        _kept.move_to_end(key)
        return _kept[key]
    task = _asked.get(key)
    if task is None or task.get_loop() is not asyncio.get_running_loop():
        request = {"wing": wing, "slug": slug, "params": params}
        task = asyncio.create_task(inspect.ask("exhibit", request, model))
        _asked[key] = task
        task.add_done_callback(lambda done: _settle(key, done))
    # Shielded: one student who leaves must not take the answer from the others.
    return await asyncio.shield(task)


def _settle(key: str, task: "asyncio.Task[dict[str, Any]]") -> None:
    _asked.pop(key, None)
    if task.cancelled() or task.exception() is not None:
        return
    _kept[key] = task.result()
    _sizes[key] = len(json.dumps(task.result()))
    while sum(_sizes.values()) > KEPT_CHARACTERS:
        oldest, _result = _kept.popitem(last=False)
        del _sizes[oldest]
