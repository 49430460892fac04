"""A train worker like `python -m workers train`, but with the engine that stamps every step."""

import os
import sys
from importlib import import_module

import django


def main() -> int:
    """Run until asked to leave."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "playground.settings")
    django.setup()
    # Imported only now, because it reads the settings.
    code: int = import_module("workers.serve").train("benchmarks.stamped_engine")
    return code


if __name__ == "__main__":
    sys.exit(main())
