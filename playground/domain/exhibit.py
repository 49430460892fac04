"""What an exhibit is, and how it sees a network.

A file in `playground/exhibits/<wing>/` exports one `Exhibit` as `exhibit`. Its `run` is a pure function from
validated parameters to a typed result; if it also takes a `model`, it runs on the inspect worker, where a
`LanguageModel` is at hand. The protocol speaks numpy and text only, so exhibits never import torch. If it takes a
`shelf`, it is given the tokenizers that the visitor may use.
"""

import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, get_type_hints

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel


@dataclass(frozen=True)
class Token:
    """One token of a text: `start` and `end` are character offsets, `bytes` its share of the UTF-8 text.

    `text` is what can be shown for it alone: a token that holds only part of a character has the text of
    the whole character if it completes it, and "" before. `special` marks control tokens.
    """

    id: int
    text: str
    start: int
    end: int
    bytes: bytes
    special: bool


class LanguageModel(Protocol):
    """A language model with its tokenizer, read-only."""

    @property
    def vocab_size(self) -> int: ...

    @property
    def context(self) -> int:
        """The longest text, in tokens, that the model can read at once."""
        ...

    def tokens(self, text: str) -> list[Token]:
        """The tokens of a text, without added special tokens. Raises BadInput when it exceeds the context."""
        ...

    def token_text(self, token: int) -> str:
        """What can be shown for one token of the vocabulary, standing alone."""
        ...

    def next_log_probabilities(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """(len(ids), vocab_size): for every prefix, the log-probability (nats) of each possible next token.

        Raises BadInput for a model that fills in blanks and knows no next token.
        """
        ...


class GrowingModel(LanguageModel, Protocol):
    """A language model whose tables can be seen, and lengthened by one row for the time of a question."""

    def rows(self, ids: Sequence[int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(n, width) twice: the tokens' rows of the input table and of the output table, which may be one."""
        ...

    def grown_log_probabilities(
        self, ids: Sequence[int], inner: NDArray[np.float32], outer: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """(len(ids), vocab_size + 1): as `next_log_probabilities`, where token `vocab_size` has these (width,) rows."""
        ...


@dataclass(frozen=True)
class Exhibit:
    """One page of the gallery: `Params`, `Result`, `needs_model` and `needs_shelf` are read off the signature of `run`.

    `apart` says which parameters ask for so much work that it must not be done in the web process.
    """

    title: str
    summary: str
    run: Callable[..., BaseModel]
    apart: Callable[[Any], bool] = lambda params: False
    Params: type[BaseModel] = field(init=False)
    Result: type[BaseModel] = field(init=False)
    needs_model: bool = field(init=False)
    needs_shelf: bool = field(init=False)

    def __post_init__(self) -> None:
        hints: dict[str, Any] = get_type_hints(self.run)
        object.__setattr__(self, "Params", hints["params"])
        object.__setattr__(self, "Result", hints["return"])
        object.__setattr__(self, "needs_model", "model" in hints)
        object.__setattr__(self, "needs_shelf", "shelf" in hints)

    @property
    def lesson(self) -> str:
        """The text beside the picture: the docstring of the exhibit's module, paragraphs parted by blank lines."""
        return inspect.cleandoc(sys.modules[self.run.__module__].__doc__ or "")
