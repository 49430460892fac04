"""Is the child still getting anywhere? Its supervisor's heartbeat says only that the supervisor lives.

A child in preparation may be silent for long (a large corpus is being read), one that trains may not: between two
messages it has many times the usual length of a step, and a minute at least for evaluation and saving.
"""

from collections import deque
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Patience:
    """How long a supervisor waits for what, in seconds; `factor` is in median steps."""

    prepare: float = 1800.0
    step: float = 60.0
    factor: float = 20.0
    stop: float = 10.0
    pause: float = 60.0
    preempt: float = 4.5
    terminate: float = 1.0
    renew: float = 3.0
    look: float = 1.0


class Watchdog:
    """Counts the time since the child's last sign of life. Times are readings of one monotonic clock."""

    def __init__(self, patience: Patience, now: float) -> None:
        self._patience = patience
        self._last_sign = now
        self._last_step: float | None = None
        self._steps: deque[float] = deque(maxlen=101)

    def sign(self, now: float) -> None:
        """The child said something."""
        self._last_sign = now

    def stepped(self, now: float) -> None:
        """The child finished an optimizer step."""
        if self._last_step is not None:
            self._steps.append(now - self._last_step)
        self._last_step = self._last_sign = now

    @property
    def limit(self) -> float:
        """Seconds of silence that are allowed now."""
        if self._last_step is None:
            return self._patience.prepare
        usual = median(self._steps) if self._steps else 0.0
        return max(self._patience.step, self._patience.factor * usual)

    def hung(self, now: float) -> bool:
        """Whether the silence has been too long."""
        return now - self._last_sign > self.limit
