"""`python -m workers train` and `python -m workers inspect`: run one worker process until it is asked to leave."""

import argparse
import os
import sys

import django
from django.utils.module_loading import import_string


def main() -> None:
    """Read the settings, shut the environment away from the children, and run."""
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    parser.add_argument("queue", choices=["train", "inspect"])
    queue = parser.parse_args().queue
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "playground.settings")
    django.setup()
    # Imported only now, because what it imports reads the settings.
    sys.exit(import_string(f"workers.serve.{queue}")())


if __name__ == "__main__":
    main()
