"""When a run saves its state, and how a budget of minutes becomes a number of steps."""

import time

from playground.domain.training import TIMED_STEPS, Training

SAVE_SECONDS = 10.0
"""A crash costs at most about this much work."""
SAVE_SHARE = 1 / 20
"""Short runs save at least this often, measured in steps."""
SAVE_COST = 0.015
"""Saving may take at most this share of the time."""
FIRST_GUESS = 150e6
"""Bytes a second that a disk is trusted to take before the first state has been written."""


class SaveClock:
    """Decides after each step whether to save; on whatever it decides, no number of the run depends."""

    def __init__(self, interval: int | None, size: int, step: int) -> None:
        self._interval = interval
        self._cost = size / FIRST_GUESS
        self._saved_at, self._saved_step = time.monotonic(), step

    def due(self, step: int, planned: int | None) -> bool:
        """Whether the state after this step should be saved."""
        if self._interval is not None:
            return step % self._interval == 0
        waited = time.monotonic() - self._saved_at
        often = planned is not None and step - self._saved_step >= planned * SAVE_SHARE
        return (waited >= SAVE_SECONDS or often) and self._cost <= SAVE_COST * waited

    def saved(self, step: int, seconds: float) -> None:
        """Note that saving the state after this step took so long."""
        self._saved_at, self._saved_step, self._cost = time.monotonic(), step, seconds


def steps_for(params: Training, seconds: float, steps: int) -> int:
    """How many steps fit a budget in minutes, given that the first ones took so long; the first does not count."""
    per_step = seconds / max(1, steps)
    return max(TIMED_STEPS, round((params.minutes or 0) * 60 / max(per_step, 1e-6)))
