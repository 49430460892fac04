"""Where a run stands when an attempt begins: at its own newest checkpoint, at another run's, or at nothing.

A run that goes on from another's checkpoint takes its weights, its optimizer's moments and its count of steps, and then
follows its own parameters. As soon as it has a checkpoint of its own, it is resumed like any run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from playground.domain.checkpoints import BASE, FOLDER
from playground.domain.errors import BadInput
from workers.engine import checkpoints
from workers.engine.checkpoints import Checkpoint, Progress

if TYPE_CHECKING:
    from workers.engine.run import Run


def resume(run: Run) -> None:
    """Load the newest whole checkpoint that continues the recorded story, else that from which the run begins.

    Raises BadInput where the latter is missing or does not fit.
    """
    folder = run.folder / FOLDER
    checkpoints.tidy(folder)
    whole = checkpoints.newest(folder, lambda complaint: run.port.log(complaint, "warning"))
    found = next((checkpoint for checkpoint in whole if run.port.joins(checkpoint.tail)), None)
    if found is not None:
        _go_on(run, found)
    elif run.start.base_step is not None:
        _branch_off(run, checkpoints.base(run.folder / BASE, run.start.base_step))


def _go_on(run: Run, found: Checkpoint) -> None:
    if found.identity["precision"] != run.learner.precision:
        run.rebuild(found.identity["precision"])
    run.compiled = found.identity["compiled"]
    changed = sorted(name for name, value in run.identity.items() if found.identity.get(name) != value)
    if changed:
        run.port.log(f"Other than before: {', '.join(changed)}. The curve may differ in its last digits.", "warning")
    run.learner.load(found.tensors, found.progress.step)
    run.best.load(found.tensors)
    run.progress = replace(found.progress, planned=found.progress.planned or run.progress.planned)
    run.port.log(f"Resumed after step {run.progress.step:,}.")
    run.port.replay(found.tail)
    told = (report["data"].get("val_loss") for report in reversed(found.tail) if report["type"] == "metrics")
    run.val_loss = next((loss for loss in told if loss is not None), None)


def _branch_off(run: Run, found: Checkpoint) -> None:
    if found.tokenizer not in ("", run.text.sha256):
        text = "The checkpoint from which this run begins was made with another tokenizer."
        raise BadInput(text, {"tokenizer": [text]})
    for name, weight in run.learner.weights().items():
        there, here = found.tensors.get(f"weight/{name}"), tuple(weight.shape)
        if there is None or tuple(there.shape) != here:
            was = "missing" if there is None else f"of shape {tuple(there.shape)}"
            text = f"This run does not fit the checkpoint from which it begins: {name} is {was} there, {here} here."
            raise BadInput(text, {"preset": [text]})
    # Where rows now differ in length there is nothing to go on with: each length would be compiled anew.
    if run.params.compile == "auto" and getattr(run.params, "packing", True):
        run.compiled = found.identity["compiled"]
    run.learner.load(found.tensors, found.progress.step)
    stood = found.progress
    run.progress = Progress(stood.step, stood.tokens, stood.seconds, run.progress.planned)
    run.port.log(f"Goes on from step {stood.step:,} of another run.")
