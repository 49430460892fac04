"""All that imports torch: the training loop, its parts, and the inspection of models.

An engine runs in a child process and sees its pipe and its folder, nothing else: no database, no Redis, no secrets.
"""

import os

# Read once by the OpenMP runtime, when torch is first loaded: how long an idle thread spins before it sleeps. For ever,
# the default, makes a step ten times slower as soon as another process wants a core; not at all, twice as slow always.
os.environ.setdefault("GOMP_SPINCOUNT", "5000")
