"""The main function of an inspect child: it keeps models warm and answers one request after the other.

A request is {"id", "verb", "model": {"sha256", "path"} or null, "params"}; the answer is any number of data frames and
one end or error frame, each with the request's id. {"cancel": id} ends an answer early. Models are opened read-only.
"""

import json
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from playground.domain.errors import BadInput, NotFound, VitrineError
from playground.domain.messages import MAX_MESSAGE_BYTES
from playground.domain.registry import exhibits
from workers.engine import intake, measure
from workers.engine.generate import Choice, write
from workers.engine.language_model import TransformersModel
from workers.engine.process import tune

WARM_MODELS = 4
"""Models that stay in memory between requests; the one used longest ago goes first."""
WARM_BYTES = 4 * 2**30
THREADS = 2

Frames = Iterator[dict[str, Any]]


class Ask(BaseModel):
    """A request as it arrives; `params` are checked by the verb."""

    model_config = ConfigDict(extra="forbid")

    id: str
    verb: str
    model: dict[str, str] | None = None
    params: dict[str, Any] = {}
