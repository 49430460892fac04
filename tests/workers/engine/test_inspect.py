"""The inspect child over a real pipe: streams, refusals, cancelled answers, and hostile files that kill nobody."""

import json
import math
import shutil
from collections.abc import Iterator
from multiprocessing.connection import Client
from pathlib import Path
from typing import Any, get_args

import pytest

from tests.workers.engine.attempts import Bench, artifacts
from tests.workers.engine.hostile import PANICS, crafted
from workers.engine import measure as speed
from workers.engine.verbs import VERBS, WARM_MODELS, Model, Shelf, measure_speed
from workers.inspection import WALL, Verb

Frame = dict[str, Any]


class Inspector:
    """An inspect child and its pipe."""

    def __init__(self, address: str) -> None:
        self.conn = Client(address, "AF_UNIX")
        self.pid = json.loads(self.conn.recv_bytes())["pid"]
        self.conn.send_bytes(b"inspect")

    def send(self, **message: Any) -> None:
        """Send a message."""
        self.conn.send_bytes(json.dumps(message).encode())

    def answer(self, request: str) -> Iterator[Frame]:
        """The frames of one answer, the last included."""
        while True:
            frame = json.loads(self.conn.recv_bytes())
            assert frame.pop("id") == request
            yield frame
            if frame["type"] != "data":
                return

    def ask(self, verb: str, model: Frame | None = None, **params: Any) -> list[Frame]:
        """All frames of a request."""
        self.send(id="r", verb=verb, model=model, params=params)
        return list(self.answer("r"))


@pytest.fixture
def inspector(nest: str) -> Iterator[Inspector]:
    """An inspect child."""
    made = Inspector(nest)
    yield made
    made.conn.close()


@pytest.fixture(scope="module")
def model(nest: str, tmp_path_factory: pytest.TempPathFactory) -> Frame:
    """A trained model, as a request names it."""
    text = "你好,世界。🦊 the cat\n" * 200
    said = Bench(nest, tmp_path_factory.mktemp("model"), text).run(steps=20)
    return {"sha256": "abc", "path": artifacts(said)["model"].path}


def test_generation_streams_token_by_token(inspector: Inspector, model: Frame) -> None:
    frames = inspector.ask("generate", model, prompt="你好 the", max_tokens=12, seed=7)
    assert frames[-1] == {"type": "end"}
    first, *rest = [frame["data"] for frame in frames[:-1]]
    assert "".join(token["text"] for token in first["prompt_tokens"]) == "你好 the"
    assert [token["index"] for token in rest] == list(range(12))
    for token in rest:
        assert set(token) == {"index", "id", "text", "bytes", "probability", "alternatives"}
        assert len(token["alternatives"]) == 10
        likelihoods = [other["probability"] for other in token["alternatives"]]
        assert likelihoods == sorted(likelihoods, reverse=True)
        assert 0 < token["probability"] <= likelihoods[0] + 1e-6
    assert "\ufffd" not in json.dumps(frames, ensure_ascii=False)
    assert inspector.ask("generate", model, prompt="你好 the", max_tokens=12, seed=7) == frames


def test_a_branch_continues_after_the_given_tokens(inspector: Inspector, model: Frame) -> None:
    whole = [frame["data"] for frame in inspector.ask("generate", model, prompt="the", max_tokens=8, seed=3)[1:-1]]
    given = [token["id"] for token in whole[:3]]
    branch = inspector.ask("generate", model, prompt="the", ids=given, max_tokens=5, seed=3)
    assert [frame["data"]["id"] for frame in branch[1:-1]] == [token["id"] for token in whole[3:]]
    assert branch[1]["data"]["index"] == 3
    other = whole[3]["alternatives"][4]["id"]
    assert inspector.ask("generate", model, prompt="the", ids=[*given, other], max_tokens=1)[-1] == {"type": "end"}


@pytest.mark.parametrize(
    "params",
    [
        {"prompt": 3}, {"max_tokens": 0}, {"max_tokens": 513}, {"temperature": -1.0}, {"top_p": 0.0}, {"top_k": -1},
        {"seed": -1}, {"ids": [10**9]}, {"ids": [-1]}, {"prompt": "x" * 20_001}, {"evil": 1},
    ],
)  # fmt: skip
def test_generation_refuses_what_it_cannot_do(inspector: Inspector, model: Frame, params: Frame) -> None:
    (frame,) = inspector.ask("generate", model, **params)
    assert (frame["type"], frame["code"], frame["status"]) == ("error", "bad_input", 422)


def test_an_exhibit_looks_into_the_model(inspector: Inspector, model: Frame) -> None:
    asked = {"wing": "prediction", "slug": "next", "params": {"text": "你好 cat", "top": 3}}
    data, end = inspector.ask("exhibit", model, **asked)
    assert end == {"type": "end"}
    tokens = data["data"]["tokens"]
    assert "".join(token["text"] for token in tokens) == "你好 cat"
    assert all(token["start"] < token["end"] for token in tokens)
    assert data["data"]["mean_surprisal"] < math.log2(320)


def test_exhibits_that_cannot_be_shown(inspector: Inspector, model: Frame) -> None:
    (frame,) = inspector.ask("exhibit", model, wing="prediction", slug="none", params={})
    assert frame["status"] == 404
    (frame,) = inspector.ask("exhibit", model, wing="prediction", slug="next", params={"text": "ab " * 100})
    assert frame["status"] == 422
    assert "16 at once" in frame["message"]
    (frame,) = inspector.ask("exhibit", None, wing="prediction", slug="next", params={})
    assert frame["status"] == 422
    (frame,) = inspector.ask("dance")
    assert frame["status"] == 422


def test_a_cancelled_answer_ends_and_the_next_request_is_answered(inspector: Inspector, model: Frame) -> None:
    inspector.send(id="long", verb="generate", model=model, params={"max_tokens": 512, "temperature": 5.0})
    answer = inspector.answer("long")
    next(answer)
    inspector.send(cancel="other")
    inspector.send(cancel="long")
    inspector.send(id="next", verb="generate", model=model, params={"max_tokens": 1})
    list(answer)
    assert list(inspector.answer("next"))[-1] == {"type": "end"}
    inspector.send(cancel="long")
    assert inspector.ask("generate", model, max_tokens=1)[-1] == {"type": "end"}


@pytest.mark.parametrize("name", PANICS)
def test_a_file_that_panics_kills_no_child(inspector: Inspector, name: str, tmp_path: Path, model: Frame) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model["path"], folder)
    (folder / "tokenizer.json").write_text(crafted(**PANICS[name]))
    (frame,) = inspector.ask("check_model", path=str(folder))
    assert (frame["type"], frame["code"], frame["status"]) == ("error", "bad_file", 422)
    assert inspector.ask("generate", model, max_tokens=1)[-1] == {"type": "end"}


def test_files_are_checked(inspector: Inspector, model: Frame) -> None:
    (described, _) = inspector.ask("check_model", path=model["path"])
    assert described["data"]["architecture"] == "llama"


def test_the_speed_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "SIZES", ("200k",))
    monkeypatch.setattr(speed, "SECONDS_EACH", 0.0)
    first, *_, frame = measure_speed(Shelf(), None, {"device": "cpu", "threads": 1})
    assert frame["speed"][: len(first["speed"])] == first["speed"]  # what was told before, and more
    assert [point["work"] for point in first["speed"]] == ["next_token"]
    assert 2**26 < frame["libraries"] < 2**32
    assert {point["precision"] for point in frame["speed"]} <= {"fp32", "bf16"}
    assert all(point["flops_per_s"] > 0 for point in frame["speed"])
    assert all(point["pass_seconds"] >= 0 and point["score_seconds"] >= 0 for point in frame["speed"])
    sizes = {point["work"]: point["parameters"] for point in frame["speed"]}
    assert sizes["next_token"] == sizes["packed"] == sizes["adapter"] == 237_888 != sizes["masked"]


def test_only_the_models_used_last_stay_warm(model: Frame) -> None:
    shelf = Shelf()

    def take(number: int) -> object:
        return shelf.take(Model(sha256=str(number), path=model["path"]))

    first = take(0)
    assert take(0) is first
    for number in range(1, WARM_MODELS + 1):
        take(number)
    assert take(0) is not first


def test_what_may_be_asked_for_is_what_a_child_can_do() -> None:
    """The worker, which never loads the engine, keeps its own list; measuring it asks for by itself."""
    assert set(get_args(Verb)) == set(VERBS) - {"measure"}
    assert set(get_args(Verb)) == set(WALL)
