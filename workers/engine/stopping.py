"""Ending early: when the held-out loss no longer falls, and which weights are the run's then.

Only the evaluations that the parameters ask for count, and not those that somebody asked for while watching: the latter
are not repeated when a run is resumed, and it would then end elsewhere. The weights of the best evaluation are kept
aside and travel with each checkpoint, so that a resumed run ends with the very same model.
"""

from collections.abc import Iterator
from dataclasses import replace

from torch import Tensor

from workers.engine.checkpoints import Progress

PREFIX = "best/"


def judged(progress: Progress, loss: float, step: int, least: float) -> Progress:
    """The progress after an evaluation: better by at least `least` (nats), or one more without improvement."""
    best = progress.best_loss
    if best is None or (loss < best and best - loss >= least):
        return replace(progress, best_loss=loss, best_step=step, waited=0)
    return replace(progress, waited=progress.waited + 1)


class Best:
    """The weights of the best evaluation so far, in main memory; nothing where a run has no patience."""

    def __init__(self) -> None:
        self.weights: dict[str, Tensor] = {}

    def keep(self, weights: dict[str, Tensor]) -> None:
        """Put a copy of these weights aside, in place of the one before."""
        for name, tensor in weights.items():
            if name in self.weights:
                self.weights[name].copy_(tensor)
            else:
                self.weights[name] = tensor.detach().to("cpu", copy=True)

    def state(self) -> Iterator[tuple[str, Tensor]]:
        """What a checkpoint takes along."""
        return ((PREFIX + name, tensor) for name, tensor in self.weights.items())

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Go on with what a checkpoint has brought."""
        self.weights = {
            name.removeprefix(PREFIX): tensor for name, tensor in tensors.items() if name.startswith(PREFIX)
        }
