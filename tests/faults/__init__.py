"""Real processes are killed in the middle of a run, and the run must come out as if nothing had happened."""
