"""The listening socket and the home's lock: what is taken is said, in words that help."""

import socket
import stat
from pathlib import Path

import pytest

from playground.web.serve.address import AddressError, bind
from playground.web.serve.home import AlreadyRunning, Home


def test_a_free_port_is_chosen_for_zero() -> None:
    address = bind("127.0.0.1", 0)
    with address.listener:
        assert address.port > 0
        assert address.url == f"http://127.0.0.1:{address.port}"
        assert address.loopback


def test_connections_send_at_once() -> None:
    address = bind("127.0.0.1", 0)
    with address.listener, socket.create_connection(("127.0.0.1", address.port)), address.listener.accept()[0] as line:
        assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_everywhere_is_shown_as_this_machine() -> None:
    address = bind("0.0.0.0", 0)
    with address.listener:
        assert address.url == f"http://127.0.0.1:{address.port}"
        assert not address.loopback


def test_a_busy_port_is_named_with_a_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(AddressError, match=rf"Port {port} of 127.0.0.1 is in use .* PORT={port + 10} make run"):
            bind("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(AddressError, match=r"HOST=192\.0\.2\.7 is not an address of this machine"):
        bind("192.0.2.7", 0)
    with pytest.raises(AddressError, match=r"HOST=no\.such\.host\.invalid is not an address"):
        bind("no.such.host.invalid", 0)


def test_a_second_start_learns_where_the_first_one_is(tmp_path: Path) -> None:
    first, second = Home(tmp_path / "var"), Home(tmp_path / "var")
    first.take()
    first.sign("http://127.0.0.1:8123")
    with pytest.raises(AlreadyRunning) as caught:
        second.take()
    assert caught.value.address == "http://127.0.0.1:8123"
    first.release()
    second.take()
    second.release()


def test_a_holder_that_has_not_bound_yet_is_reported_too(tmp_path: Path) -> None:
    first, second = Home(tmp_path), Home(tmp_path)
    first.take()
    with pytest.raises(AlreadyRunning, match="not chosen yet"):
        second.take()
    first.release()
    second.release()


def test_the_home_is_private(tmp_path: Path) -> None:
    home = Home(tmp_path / "deep" / "var")
    home.release()
    assert stat.S_IMODE(home.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(home.run.stat().st_mode) == 0o700
