"""Tokenizers by name from a hub: a small server of our own plays it, with all that can go wrong."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.test import Client

from playground.domain.tokenization import starter
from playground.library.models import Artifact
from playground.web.apart.pool import pool
from tests.web.test_shelf import post, sentencepiece_model

pytestmark = pytest.mark.usefixtures("clean_store")
BPE = (starter.FOLDER / "bpe-en.json").read_bytes()
TEMPLATE = "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
CONFIG = {"chat_template": TEMPLATE, "bos_token": "<|endoftext|>", "auto_map": {"x": "evil.py"}, "vocab_file": "/etc/x"}


class Hub:
    """Repositories as {name: {file: content}}; a function as content answers itself."""

    def __init__(self) -> None:
        self.repositories: dict[str, dict[str, bytes | Callable[[BaseHTTPRequestHandler], None]]] = {}
        self.asked: list[str] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.answer(self)

            def log_message(self, *_: Any) -> None:
                """Silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """A file of a repository, with the revision, or 404."""
        self.asked.append(handler.path)
        name, _, file = handler.path[1:].partition("/resolve/main/")
        content = self.repositories.get(name, {}).get(file)
        if callable(content):
            content(handler)
            return
        handler.send_response(200 if content is not None else 404)
        handler.send_header("X-Repo-Commit", "abc123")
        handler.send_header("Content-Length", str(len(content or b"")))
        handler.end_headers()
        handler.wfile.write(content or b"")


@pytest.fixture
def hub(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that this site may go to."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    hub = Hub()
    settings.HUB, settings.HF_ENDPOINT = True, hub.url
    yield hub
    hub.server.shutdown()
    hub.server.server_close()
    pool.close()


def fetch(client: Client, name: str) -> Any:
    return post(client, "/api/v1/tokenizers/hub", {"name": name})


def vocabulary() -> dict[str, bytes]:
    model = json.loads(BPE)["model"]
    merges = "#version: 0.2\n" + "\n".join(" ".join(pair) for pair in model["merges"]) + "\n"
    return {"vocab.json": json.dumps(model["vocab"]).encode(), "merges.txt": merges.encode()}


@pytest.mark.parametrize(
    ("files", "form"),
    [
        ({"tokenizer.json": BPE, "vocab.json": b"never asked for"}, "tokenizer.json"),
        (vocabulary(), "vocabulary and merges"),
        ({"tokenizer.model": sentencepiece_model()}, "sentencepiece"),
        ({"spiece.model": sentencepiece_model()}, "sentencepiece"),
    ],
)
def test_each_form_is_taken_in(client_of_ada: Client, hub: Hub, files: dict[str, Any], form: str) -> None:
    hub.repositories["ada/words"] = files
    answer = fetch(client_of_ada, "ada/words")
    assert answer.status_code == 201, answer.content
    row = answer.json()
    assert (row["name"], row["meta"]["format"]) == ("ada/words", form)
    assert Artifact.objects.get().origin == {"source": "hub", "repository": "ada/words", "revision": "abc123"}
    body = {"text": "the cat", "tokenizers": [row["id"]]}
    assert post(client_of_ada, "/api/v1/exhibits/tokens/bench", body).json()["tokenizers"][0]["tokens"]


def test_its_chat_template_comes_along_and_nothing_else(client_of_ada: Client, hub: Hub) -> None:
    hub.repositories["gpt"] = {"tokenizer.json": BPE, "tokenizer_config.json": json.dumps(CONFIG).encode()}
    row = fetch(client_of_ada, "gpt").json()
    answer = post(client_of_ada, "/api/v1/exhibits/tokens/chat", {"tokenizer": row["id"]}).json()
    assert answer["source"] == "tokenizer"
    assert answer["rendered"].startswith("<|endoftext|><system>You answer")
    assert not any("evil" in path for path in hub.asked)


def refused(answer: Any) -> tuple[int, str]:
    assert not Artifact.objects.exists()
    return answer.status_code, answer.json()["code"]


def test_it_is_off_unless_allowed(client_of_ada: Client, hub: Hub, settings: Any) -> None:
    settings.HUB = False
    answer = fetch(client_of_ada, "ada/words")
    assert refused(answer) == (503, "hub_off")
    assert "does not go to the internet" in answer.json()["detail"]
    assert not hub.asked
    assert client_of_ada.get("/api/v1/shelf").json()["hub"] is False


@pytest.mark.parametrize("name", ["../etc", "a/b/c", "a b", "a/..", "http://x/y", "ä/b", "-a/b", "a/b?x=1", "a" * 200])
def test_what_is_no_name_is_refused_unasked(client_of_ada: Client, hub: Hub, name: str) -> None:
    answer = fetch(client_of_ada, name)
    assert refused(answer) == (422, "bad_input")
    assert [error["field"] for error in answer.json()["errors"]] == ["name"]
    assert not hub.asked


def test_what_is_not_there_or_no_tokenizer_is_said(client_of_ada: Client, hub: Hub) -> None:
    hub.repositories["ada/half"] = {"vocab.json": b"{}"}
    hub.repositories["ada/broken"] = {"tokenizer.json": b'{"model": 1}'}
    assert refused(fetch(client_of_ada, "ada/none")) == (404, "not_found")
    assert refused(fetch(client_of_ada, "ada/half")) == (404, "not_found")
    answer = fetch(client_of_ada, "ada/broken")
    assert refused(answer) == (422, "bad_file")
    assert answer.json()["errors"][0]["field"] == "name"


def test_more_than_the_limit_is_not_read(client_of_ada: Client, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("playground.library.hub.MAX_BYTES", 100_000)
    sent = []

    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(10_000):
            handler.wfile.write(b"x" * 10_000)
            sent.append(1)

    hub.repositories["ada/large"] = {"tokenizer.json": endless}
    assert refused(fetch(client_of_ada, "ada/large")) == (413, "too_large")
    assert len(sent) < 5_000


def test_a_hub_that_dawdles_is_given_up(client_of_ada: Client, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("playground.library.hub.SECONDS", 0.2)

    def slow(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(100):
            handler.wfile.write(b"x" * 70_000)
            time.sleep(0.05)

    hub.repositories["ada/slow"] = {"tokenizer.json": slow}
    assert refused(fetch(client_of_ada, "ada/slow")) == (503, "unavailable")


def test_errors_of_the_hub_and_no_network(client_of_ada: Client, hub: Hub, settings: Any) -> None:
    hub.repositories["ada/bad"] = {"tokenizer.json": lambda handler: handler.send_error(500)}
    assert refused(fetch(client_of_ada, "ada/bad")) == (503, "unavailable")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    settings.HF_ENDPOINT = f"http://127.0.0.1:{port}"
    answer = fetch(client_of_ada, "ada/words")
    assert refused(answer) == (503, "unavailable")
    assert "cannot be reached" in answer.json()["detail"]


def test_it_follows_the_hub_to_its_own_hosts_only(client_of_ada: Client, hub: Hub) -> None:
    def to(address: str) -> Callable[[BaseHTTPRequestHandler], None]:
        def redirect(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(302)
            handler.send_header("Location", address)
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        return redirect

    hub.repositories["files"] = {"x": BPE}
    elsewhere = hub.url.replace("127.0.0.1", "localhost")
    hub.repositories["ada/away"] = {"tokenizer.json": to(f"{elsewhere}/files/resolve/main/x")}
    hub.repositories["ada/file"] = {"tokenizer.json": to("file:///etc/passwd")}
    hub.repositories["ada/own"] = {"tokenizer.json": to("/files/resolve/main/x")}
    assert refused(fetch(client_of_ada, "ada/away")) == (503, "unavailable")
    assert refused(fetch(client_of_ada, "ada/file"))[0] == 503
    assert hub.asked[-1] != "/files/resolve/main/x"
    assert fetch(client_of_ada, "ada/own").status_code == 201
