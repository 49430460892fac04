"""What is kept of a run that ran away: the newest state whose loss is still a number.

An update can be seen to be hopeless before it is taken: AdamW moves each weight by about the learning rate of the step,
and by no more than max(1, (1 - beta1) / sqrt(1 - beta2)) times it (Kingma and Ba, 2015, section 2.1). The weights
before it are then good. Where a loss has shown it, a state that was saved meanwhile may be spoiled already; so each is
judged by held-out text, from the newest on.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from playground.domain.checkpoints import BASE, FOLDER
from playground.domain.errors import VitrineError
from workers.engine import checkpoints
from workers.engine.objectives import NotFinite

if TYPE_CHECKING:
    from workers.engine.run import Run

FARTHEST = 100.0
"""How far one step may move each weight. Weights of a network lie around 1 and below: nothing of it is left after this,
and yet its loss may stay finite to the end, where norms and zeros hide what happened."""


class TooFar(NotFinite):
    """An update that would leave nothing of the network, found before it was taken."""

    def __init__(self, rate: float, step: int) -> None:
        VitrineError.__init__(
            self,
            f"The update of step {step} would move each weight by about {rate:.3g}, so the step was not taken. "
            "A smaller learning rate or a longer warm-up helps.",
        )
        self.step = step


def refuse_too_far(rate: float, step: int) -> None:
    """Raise TooFar for a step whose learning rate would leave nothing of the network."""
    if rate > FARTHEST:
        raise TooFar(rate, step)


def rescue(run: Run, ended: NotFinite) -> None:
    """Hand over the model of the last good state, and keep that state for those who go on from it."""
    if isinstance(ended, TooFar):
        if run.progress.step:
            run.port.log(f"The state before it, of step {run.progress.step:,}, is good and is kept.")
            run.finish()
        else:
            run.port.log("No step was taken before it, so that there is no state to keep.")
        return
    own, lent = run.folder / FOLDER, run.folder / BASE
    for found in chain(checkpoints.newest(own, run.port.log), checkpoints.newest(lent, run.port.log)):
        run.learner.load(found.tensors, found.progress.step)
        run.progress = found.progress
        try:
            run.val_loss = run.held_out()["val_loss"]
        except NotFinite:
            continue
        run.port.log(f"The model is that of step {run.progress.step:,}, the last state that is good.")
        run.publish()
        return
