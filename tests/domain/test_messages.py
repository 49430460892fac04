"""The messages between processes: what goes in comes out, and nothing that is not declared gets through."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from playground.domain.job import Failure
from playground.domain.messages import (
    Artifact,
    CheckpointMark,
    Control,
    Emit,
    Failed,
    Finished,
    InputFile,
    Plan,
    Recorded,
    Start,
    encode,
    parse_down,
    parse_up,
)

START = Start(
    job="j",
    attempt=2,
    kind="clm",
    params={"steps": 3},
    inputs={"corpus": InputFile(path="/c/text.txt", sha256="ab")},
    folder="/jobs/j",
    recorded=Recorded(series={"loss": 40}, checkpoint=CheckpointMark(step=30, path="checkpoints/2-30")),
    threads=2,
)


@pytest.mark.parametrize("message", [START, Control(control="stop")])
def test_a_message_to_the_child_survives_the_pipe(message: Start | Control) -> None:
    assert parse_down(encode(message)) == message


@pytest.mark.parametrize(
    "message",
    [
        Emit(type="metrics", data={"step": 3, "loss": 7.1}),
        Artifact(kind="model", path="out", name="m", meta={"parameters": 7}),
        Plan(steps=300),
        Finished(outcome="paused"),
        Failed(failure=Failure.NAN_LOSS, message="loss is not finite", step=12),
        Failed(failure="disk_full", message="no space"),
    ],
)
def test_a_message_of_the_child_survives_the_pipe(message: Emit | Artifact | Plan | Finished | Failed) -> None:
    assert parse_up(encode(message)) == message


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b'{"verb": "emit"}',
        b'{"verb": "exec", "command": "rm"}',
        b'{"verb": "plan", "steps": 0}',
        b'{"verb": "plan", "steps": 3, "extra": 1}',
        b'{"verb": "emit", "type": "status", "data": {"status": "done"}}',
        b'{"verb": "emit", "type": "metrics", "data": {"step": 1, "loss": NaN}}',
        b'{"verb": "emit", "type": "metrics", "data": {"step": 1, "deep": {"loss": [-Infinity]}}}',
        b'{"verb": "failed", "failure": "bored", "message": ""}',
        b"\xff\xfe",
    ],
)
def test_anything_else_is_refused(raw: bytes) -> None:
    with pytest.raises(ValidationError):
        parse_up(raw)


@pytest.mark.parametrize("data", [{"loss": float("inf")}, {"loss": object()}])
def test_data_that_is_not_json_is_refused_where_it_is_made(data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Emit(type="log", data=data)
