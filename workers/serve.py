"""The two worker processes, from the first thread to the last: who runs in which, and how they leave.

On SIGTERM the children are asked to save and leave, their jobs go back to the queue at no cost to anyone, and the
process ends within seven seconds, whatever hangs.
"""

import logging
import os
import platform
import threading
from importlib.metadata import version
from pathlib import Path

import redis
from django.conf import settings

from playground import VERSION
from workers import inspection, tasks
from workers.app import INSPECT, TRAIN, app
from workers.broker import leave_on_signals, listen
from workers.devices import CPU, Devices, Machine
from workers.exports import Export, tidy
from workers.hearing import Hearing, leave_at_once, restart_listener
from workers.host import cores, cpu_model, gpus, memory_available, memory_of, places, share_of_cores
from workers.nursery import reduce_environment
from workers.runner import Slot, environment
from workers.speed import MANNER, Speed
from workers.steward import Steward
from workers.supervisor import ENGINE

log = logging.getLogger("vitrine.worker")
LEAVE = 6.8
"""Seconds from the signal to the end of the process at most. `Patience` bounds the saving below that; what starts the
worker kills it after seven."""


def machine() -> Machine:
    """The devices of this machine: its GPUs, else its processor."""
    wanted = settings.ENVIRONMENT.vitrine_slots
    return Machine(tuple(gpus()) or CPU, places(wanted), share_of_cores(wanted), memory_of)


def program_version() -> str:
    """The version that this worker reports."""
    return settings.ENVIRONMENT.vitrine_version or VERSION


def train(engine: str = ENGINE) -> int:
    """Run the train worker until it is asked to leave; `engine` is the module that its children run."""
    here = machine()
    first, leaving = here.devices[0], begin(here.threads)
    name = f"train@{platform.node()}-{os.getpid()}"
    key = f"{platform.node()} {version('torch')} {cpu_model()} {first} {here.threads} {MANNER}"
    speed = Speed(Path(settings.VITRINE_HOME) / "speed.json", key, first, here.threads, leaving)
    devices, count = Devices(here, environment()), len(here.devices) * here.places
    slots = [Slot(name, number, devices, tasks.bell, leaving, speed.busy, engine) for number in range(count)]

    def facts() -> dict[str, object]:
        told = devices.told()
        return {
            "device": first,
            "threads": here.threads,
            "slots": count,
            "devices": told,
            "memory": max((device["memory"] or 0 for device in told), default=0) or memory_available(),
            "speed": speed.points,
            "libraries": speed.libraries,
            "version": program_version(),
        }

    steward = Steward(name, TRAIN, facts, leaving, tasks.bell)
    # Slots look by themselves, so that deafness costs a second; it is never a reason to end a run.
    hearing = Hearing(TRAIN, redis_client(), tasks.ear.heard, leaving, (restart_listener,))
    for thread in (*slots, steward, speed, hearing):
        thread.start()
    log.info("Training on %s, %d at a time, %d threads each.", ", ".join(here.devices), count, here.threads)
    listen(app, TRAIN, name, leaving)
    tasks.bell.set()
    for thread in (*slots, steward):
        thread.join()
    return 0


def inspect(engine: str = inspection.ENGINE) -> int:
    """Run the inspect worker until it is asked to leave; `engine` is the module that its children run."""
    leaving = begin(cores())
    name = f"inspect@{platform.node()}-{os.getpid()}"
    tidy()
    client = redis_client()
    desk = inspection.Desk(client, leaving, engine, {"export": Export})
    desk.open()
    tasks.inspector.append(desk.take)
    facts = {"threads": cores(), "version": program_version()}
    steward = Steward(name, INSPECT, lambda: dict(facts), leaving, tasks.bell)
    hearing = Hearing(INSPECT, client, tasks.ear.heard, leaving, (restart_listener, leave_at_once))
    steward.start()
    hearing.start()
    log.info("Ready to look into models, %d threads.", cores())
    listen(app, INSPECT, name, leaving)
    desk.close(timeout=LEAVE)
    steward.join(LEAVE)
    return 0


def redis_client() -> "redis.Redis":
    """A client for this process's threads; each of its calls is bounded in time."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=5, health_check_interval=10
    )


def begin(threads: int) -> threading.Event:
    """Put secrets away and heed signals; the event says that the process is leaving, and then it leaves in time."""
    reduce_environment(threads)
    leaving = threading.Event()
    leave_on_signals(leaving)

    def insist() -> None:
        leaving.wait()
        threading.Event().wait(LEAVE)
        os._exit(1)  # children die with this process; their jobs are taken back by the next one

    threading.Thread(target=insist, name="leave", daemon=True).start()
    return leaving
