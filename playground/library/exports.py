"""A model in other forms, made when somebody asks for one and kept for the next who does.

A form is a pure function of the model's content, so what was made lies in the store under a hash of both; it can be
made again at any time and is the first to go when there is too much. How far a form is that is being made stands in
Redis, which may forget it: then it is asked for once more.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import redis
from django.utils.translation import gettext_noop as mark

from playground.library import store

KIND = "export"
VERSION = 1
"""Raised whenever the same model would give another file."""

Form = Literal["gguf-f16", "gguf-q8_0", "gguf-q4_0", "merged"]
FORMS: tuple[Form, ...] = ("merged", "gguf-f16", "gguf-q8_0", "gguf-q4_0")

State = Literal["absent", "waiting", "running", "done", "failed"]
WAITING_LIVES = 90
"""Seconds after which a request that no worker took is forgotten."""
RUNNING_LIVES = 300
"""Seconds without a word after which a conversion counts as lost; the largest tensor takes far less."""
FAILED_LIVES = 3600
MAX_BYTES = 16 << 30
"""All forms of all models together. One of the largest model that is accepted takes 4 GiB in F16."""

LLAMA_CPP = frozenset({"llama", "gpt2", "mistral", "qwen2", "qwen3"})
MASKED = frozenset({"bert", "roberta", "distilbert", "modernbert", "electra"})
NO_MASKED = mark(
    "Programs built on llama.cpp write texts on; a masked model like BERT fills gaps, and has no place there."
)
NO_SUCH = mark("llama.cpp, or this export, does not know this model's architecture.")
NO_ADAPTER = mark("This model is whole already: there is no adapter to merge.")


@dataclass(frozen=True)
class Standing:
    """How far a form is: `progress` from 0 to 1, `message` why it failed, `bytes` once it is there."""

    state: State
    progress: float = 0.0
    message: str = ""
    bytes: int | None = None


def refusal(meta: Mapping[str, Any], form: str) -> str | None:
    """Why a model cannot have this form, from what the library knows of it; None where it can."""
    if form == "merged":
        return None if meta.get("adapter") else NO_ADAPTER
    architecture = meta.get("architecture")
    if architecture in LLAMA_CPP:
        return None
    return NO_MASKED if architecture in MASKED else NO_SUCH


def key(sha256: str, form: str) -> str:
    """The name of a form in the store, 64 hexadecimal digits."""
    return hashlib.sha256(f"{VERSION} {form} {sha256}".encode()).hexdigest()


def begin(client: "redis.Redis", name: str) -> bool:
    """Say that a form has been asked for; False where somebody has already."""
    raw = client.get(_word(name))
    if raw is not None and json.loads(raw)["state"] == "failed":
        client.delete(_word(name))
    return bool(client.set(_word(name), json.dumps({"state": "waiting"}), nx=True, ex=WAITING_LIVES))


def tell(client: "redis.Redis", name: str, state: State, *, progress: float = 0.0, message: str = "") -> None:
    """Say how far a form is."""
    said = json.dumps({"state": state, "progress": round(progress, 4), "message": message})
    client.set(_word(name), said, ex=FAILED_LIVES if state == "failed" else RUNNING_LIVES)


def forget(client: "redis.Redis", name: str) -> None:
    """Say nothing more of a form: it is there, or was given up."""
    client.delete(_word(name))


def standing(client: "redis.Redis", name: str) -> Standing:
    """How far a form is."""
    size = size_of(name)
    if size is not None:
        return Standing("done", 1.0, bytes=size)
    raw = client.get(_word(name))
    return Standing("absent") if raw is None else Standing(**json.loads(raw))


def size_of(name: str) -> int | None:
    """Bytes of a form that has been made, or None."""
    current = store.current()
    return current.size(KIND, name) if current.exists(KIND, name) else None


def keep(name: str, folder: Path) -> None:
    """Take a finished form over (the folder is gone then), and let the oldest go where there are too many bytes."""
    current = store.current()
    current.put_tree(KIND, name, folder)
    for old in surplus(current.sizes(KIND), MAX_BYTES, name):
        current.remove(KIND, old)


def surplus(found: Mapping[str, tuple[int, datetime]], limit: int, spare: str) -> list[str]:
    """Which of the forms (bytes and time of each) must go so that the rest fits, the oldest first, never `spare`."""
    total = sum(size for size, _ in found.values())
    gone = []
    for name, (size, _) in sorted(found.items(), key=lambda item: item[1][1]):
        if total <= limit:
            break
        if name != spare:
            gone.append(name)
            total -= size
    return gone


def remove_all(sha256: str) -> None:
    """Delete all forms of a model that is no longer in the library."""
    for form in FORMS:
        store.current().remove(KIND, key(sha256, form))


def _word(name: str) -> str:
    return f"vitrine:export:{name}"
