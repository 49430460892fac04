"""The listening socket: bound by the supervisor, handed to the web process.

So a port that is taken is found before anything else starts, and a browser that connects while the
web process is being restarted waits a moment instead of being refused.
"""

import errno
import ipaddress
import socket
from dataclasses import dataclass

BACKLOG = 512


class AddressError(Exception):
    """The address cannot be listened on; the message says what to do."""


@dataclass(frozen=True)
class Address:
    """A bound, listening socket; `host` is what was asked for, `port` the real one."""

    host: str
    port: int
    listener: socket.socket

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return ipaddress.ip_address(self.listener.getsockname()[0]).is_loopback

    @property
    def url(self) -> str:
        """The address for a browser on this machine, without a trailing slash."""
        everywhere = ipaddress.ip_address(self.listener.getsockname()[0]).is_unspecified
        own = "127.0.0.1" if self.listener.family == socket.AF_INET else "::1"
        host = own if everywhere else self.host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


def bind(host: str, port: int) -> Address:
    """Listen on host and port (0: any free one); raises AddressError."""
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise AddressError(f"HOST={host} is not an address of this machine: {error.strerror}.") from None
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Connections inherit this. Servers set it by themselves, but not on a socket that they are handed as a number;
    # without it every answer in two parts (head, body) waits for the client's delayed acknowledgement, 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind(where)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise AddressError(_reason(host, port, error)) from None
    return Address(host, int(listener.getsockname()[1]), listener)


def _reason(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} of {host} is in use by another program. Choose another: PORT={port + 10} make run"
    if error.errno == errno.EACCES:
        return f"Port {port} needs more rights than this account has. Choose one from 1024 on: PORT=8000 make run"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"HOST={host} is not an address of this machine."
    return f"Cannot listen on {host}, port {port}: {error.strerror}."
