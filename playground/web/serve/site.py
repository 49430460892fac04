"""One start of Vitrine in reading order: the lock, the address, Redis, the database, the processes.

A second start on the same home says where the first one is and does nothing. Whatever cannot work is
said in one sentence before anything has been started.
"""

import os
import sys

from django.conf import settings
from django.db.utils import OperationalError

from playground.people.owner import ensure_owner
from playground.web import redis_server
from playground.web.serve import processes
from playground.web.serve.address import Address, AddressError, bind
from playground.web.serve.console import Console
from playground.web.serve.home import AlreadyRunning, Home
from playground.web.serve.opening import Opening
from playground.web.serve.prepare import prepare
from playground.web.serve.supervisor import Supervisor


def serve() -> int:
    """Run until a signal; returns the exit code: 0 also where Vitrine runs on this home already."""
    # Whatever this and the children write is for this account alone.
    os.umask(0o077)
    try:
        home = Home(settings.VITRINE_HOME)
        home.take()
    except AlreadyRunning as other:
        print(f"Vitrine already runs on {settings.VITRINE_HOME} (process {other.pid}): {other.address}")
        print("Nothing was started. Another VITRINE_HOME and PORT make a second, separate installation.")
        return 0
    except OSError as error:
        print(f"VITRINE_HOME cannot be used: {error}", file=sys.stderr)
        return 1
    try:
        address = bind(settings.HOST, settings.PORT)
        home.sign(address.url)
        return run(home, address)
    except (AddressError, redis_server.NoRedis, PermissionError) as error:
        print(error, file=sys.stderr)
        return 1
    except OperationalError as error:
        print(f"The database does not answer: {str(error).strip()}", file=sys.stderr)
        return 1
    finally:
        home.release()


def run(home: Home, address: Address) -> int:
    """Start everything, watch it until a signal, stop everything."""
    console = Console(home.logs, ["redis", "web", "train", "inspect"])
    supervisor = Supervisor(console, settings.BASE_DIR, alone=True)
    supervisor.listen_for_signals()
    try:
        env = start_redis(supervisor, home, address)
        prepare(console.say)
        if not address.loopback:
            warn(console, address)
        supervisor.start(processes.web(address, env), processes.worker("train", env))
        opening = Opening(supervisor, address.url, processes.worker("inspect", env))
        while not supervisor.stopping:
            supervisor.turn()
            opening.turn()
    finally:
        supervisor.stop()
    return 0


def start_redis(supervisor: Supervisor, home: Home, address: Address) -> dict[str, str]:
    """Start the private Redis unless REDIS_URL names another; returns the children's environment."""
    if not settings.REDIS_EMBEDDED:
        return processes.environment(home.folder, address, None)
    socket = redis_server.socket_path(home.folder)
    redis_server.private_folder(socket.parent)
    usual = socket.is_relative_to(home.folder)
    env = processes.environment(home.folder, address, None if usual else f"unix://{socket}")
    supervisor.start(processes.redis(socket, home.logs / "redis.log", env))
    return env


def warn(console: Console, address: Address) -> None:
    """Say what it means to listen beyond this machine."""
    console.say(f"WARNING: listening on {address.host}: everyone who can reach this machine can open the site.")
    console.say(
        "Everyone must sign in; but without HTTPS in front, passwords and texts cross the network in the clear."
    )
    if not ensure_owner().has_usable_password():
        console.say(
            "The owner has no password yet: use the link below once, or set one with `manage.py changepassword owner`."
        )
