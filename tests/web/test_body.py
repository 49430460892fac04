"""What is too large is refused before it is taken, by a real server: by its declared length, or by what comes."""

import json
import socket
from contextlib import suppress

import httpx
import pytest
from django.conf import settings

from playground.library.models import Artifact
from playground.people import tokens
from playground.people.models import User
from playground.web.body import MULTIPART, SMALL, limit_of
from tests.web.site import Site

pytestmark = pytest.mark.django_db(transaction=True)
FIVE_GIGABYTES = 5 << 30


@pytest.fixture
def secret(user: User) -> str:
    """Ada's token."""
    return tokens.create(user, "t")


def exchange(site: Site, head: str, *pieces: bytes) -> tuple[int, dict[str, str | int]]:
    """Send a raw request; returns the status and the problem document of the answer."""
    with socket.create_connection(("127.0.0.1", site.port), timeout=30) as line:
        line.sendall((head + "\r\n\r\n").encode())
        with suppress(ConnectionError):
            for piece in pieces:
                line.sendall(piece)
        answer = b""
        while b"\r\n\r\n" not in answer or b"}" not in answer:
            chunk = line.recv(65536)
            assert chunk, answer
            answer += chunk
    start, _, rest = answer.partition(b"\r\n\r\n")
    body = rest[rest.index(b"{") : rest.rindex(b"}") + 1]
    return int(start.split()[1]), json.loads(body)


def test_five_gigabytes_are_refused_at_the_first_byte(site: Site, secret: str) -> None:
    head = (
        f"POST /api/v1/corpora HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {secret}\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {FIVE_GIGABYTES}"
    )
    status, document = exchange(site, head, b"--x\r\n")
    assert (status, document["code"]) == (413, "too_large")
    assert not Artifact.objects.exists()


def test_a_body_without_length_is_counted(site: Site, secret: str) -> None:
    head = (
        f"POST /api/v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {secret}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked"
    )
    piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    status, document = exchange(site, head, *[piece] * 20, b"0\r\n\r\n")
    assert (status, document["code"]) == (413, "too_large")
    assert exchange(site, head, piece, b"0\r\n\r\n")[0] == 400


def test_an_upload_without_length_is_told_so(site: Site, secret: str) -> None:
    head = (
        f"POST /api/v1/corpora HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {secret}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\nTransfer-Encoding: chunked"
    )
    assert exchange(site, head, b"5\r\n--x\r\n\r\n", b"0\r\n\r\n")[0] == 411


def test_other_addresses_take_a_megabyte(site: Site, secret: str) -> None:
    with httpx.Client(base_url=site.url, headers={"authorization": f"Bearer {secret}"}) as client:
        large = client.post("/api/v1/jobs", content=b" " * (SMALL + 1), headers={"content-type": "application/json"})
        assert (large.status_code, large.json()["code"]) == (413, "too_large")
        small = client.post("/api/v1/jobs", content=b" " * 1000, headers={"content-type": "application/json"})
        assert small.status_code == 400


def test_a_stranger_cannot_fill_the_disk(site: Site) -> None:
    head = (
        "POST /api/v1/corpora HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer vt_wrong\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 2500000"
    )
    status, document = exchange(site, head, b"--x\r\n")
    assert (status, document["code"]) == (401, "unauthorized")


def test_an_upload_comes_through_and_comes_back(site: Site, secret: str) -> None:
    text = "".join(f"line {number}\n" for number in range(200_000)).encode()
    with httpx.Client(base_url=site.url, headers={"authorization": f"Bearer {secret}"}) as client:
        taken = client.post("/api/v1/corpora", files={"file": ("lines.txt", text)})
        assert (taken.status_code, taken.json()["bytes"]) == (201, len(text))
        assert client.get(taken.json()["url"] + "/download").content == text


def test_limits_belong_to_addresses() -> None:
    assert limit_of({"method": "POST", "path": "/api/v1/corpora"}) == settings.MAX_CORPUS_BYTES + MULTIPART
    assert limit_of({"method": "POST", "path": "/api/v1/jobs"}) == SMALL
    assert limit_of({"method": "GET", "path": "/api/v1/corpora"}) == SMALL
