"""How much of a run's time its probes may take.

The steps that could be recorded lie close together at the beginning, where a run has used little time as yet. So the
share is of the time that the whole run is expected to take, and where it does not suffice for all records that are
still to come, they are thinned evenly. Which of them are made may depend on the clock; what stands in them does not.
"""

from collections.abc import Callable


class Share:
    """The time for one sort of record within one attempt; `clock` gives seconds."""

    def __init__(self, share: float, clock: Callable[[], float]) -> None:
        self._share, self._clock = share, clock
        self._cost: float | None = None
        self._passed = 0
        self.spent = 0.0

    def affords(self, left: int, seconds: float) -> bool:
        """Whether the next of `left` records is to be made, in an attempt that is expected to take so many seconds.

        The first always is, as nothing is known of its cost before; and one more, the last of the run, is kept in mind.
        """
        if self._cost is None:
            return True
        can = (self._share * seconds - self.spent) / max(self._cost, 1e-9) - 1
        self._passed += 1
        if can < 1 or self._passed * can < left:
            return False
        self._passed = 0
        return True

    def begin(self) -> float:
        """The time before a record."""
        return self._clock()

    def end(self, begun: float) -> None:
        """Count the record that began then."""
        self._cost = self._clock() - begun
        self.spent += self._cost
