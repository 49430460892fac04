"""A train worker like `python -m workers train`, whose engine stamps every step: `python -m benchmarks.stamped_worker`."""

import os
import sys
from functools import partial

import django


def main() -> int:
    """Run until asked to leave."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "playground.settings")
    django.setup()
    # These read the settings when they are imported.
    from workers import runner, serve
    from workers.supervisor import Supervisor

    setattr(runner, "Supervisor", partial(Supervisor, engine="benchmarks.stamped_engine"))
    return serve.train()


if __name__ == "__main__":
    sys.exit(main())
