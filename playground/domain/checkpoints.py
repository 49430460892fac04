"""Where the states of a run lie on disk and which of them are kept: what the engine and the pages both must know.

A state is a folder `checkpoints/<step>-<attempt>` in the job's folder. Besides the newest two, from which a run is
resumed, a bounded history is kept, spread evenly over the run, from which it can be forked. A run that goes on from
another's state has it in the folder `base`, and keeps it as long as it exists itself.
"""

from collections.abc import Sequence

FOLDER, BASE = "checkpoints", "base"
STATE, MANIFEST = "state.safetensors", "manifest.json"

KEPT = 2
"""The newest states, which are always kept: one to resume from, and one in case that is damaged."""

HISTORY = 10
"""Older states that are kept at most: enough to find one within a few percent of the run before any step."""

HISTORY_BYTES = 1 << 30
"""What the older states of one run may take: ten of 8 M parameters, two of 50 M, none of a model larger than that."""

SPARE_BYTES = 2 << 30
"""While the disk has less free than this, no older states are kept: running on comes before going back."""


def name_of(step: int, attempt: int) -> str:
    """The folder name of the state after a step."""
    return f"{step:09d}-{attempt:04d}"


def numbers(name: str) -> tuple[int, int] | None:
    """Step and attempt of a folder name; None for a folder that is no state, or not yet."""
    step, _, attempt = name.partition("-")
    return (int(step), int(attempt)) if step.isdecimal() and attempt.isdecimal() else None


def room(size: int, free: int) -> int:
    """How many older states of `size` bytes are kept on a disk with so many bytes free."""
    return 0 if free < SPARE_BYTES else min(HISTORY, HISTORY_BYTES // max(1, size))


def spread(steps: Sequence[int], count: int) -> list[int]:
    """At most `count` of the rising `steps`, spread evenly: the first stays, the one in the closest company goes.

    Done again after each new state, this halves the density of the whole history whenever it has doubled in length.
    """
    kept = list(steps)
    while len(kept) > count:
        gaps = [after - before for before, after in zip(kept, kept[2:], strict=False)]
        del kept[gaps.index(min(gaps)) + 1 if gaps else -1]
    return kept
