"""`python -m workers train` and `python -m workers inspect`: run one worker process until it is asked to leave."""

import argparse
import os
import sys

import django
from django.utils.module_loading import import_string

from playground.settings_environment import read
from workers.host import share_of_cores
from workers.nursery import open_nursery


def main() -> None:
    """Start the fork server, read the settings, and run."""
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    parser.add_argument("queue", choices=["train", "inspect"])
    queue = parser.parse_args().queue
    open_nursery(share_of_cores(read(os.environ).vitrine_slots if queue == "train" else 1))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "playground.settings")
    django.setup()
    # Imported only now, because what it imports reads the settings.
    sys.exit(import_string(f"workers.serve.{queue}")())


if __name__ == "__main__":
    main()
