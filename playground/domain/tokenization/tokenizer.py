"""What every tokenizer can do, whatever its origin: cut a text and show its vocabulary; and the shelf they stand on.

Exhibits know tokenizers through these protocols only. Those that come with Vitrine live in the same process; those
that a visitor brought are opened in a process of their own, behind the same two methods.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from pydantic import BaseModel

from playground.domain.tokenization.cut import Cut
from playground.domain.tokenization.joints import Joints
from playground.domain.tokenization.seams import NONE, Claims

Algorithm = Literal["word", "character", "byte", "bpe", "wordpiece", "unigram"]


class Card(BaseModel):
    """What is written beside a tokenizer. `origin`: starter, wheel (installed), library (yours) or shared.

    `unknown` is the id of the token for what the vocabulary lacks, `template` the chat template that came along
    and `named` the tokens that it knows by role (bos_token); `seams` says where its texts can be taken apart.
    """

    id: str
    title: str
    algorithm: Algorithm
    size: int
    byte_level: bool
    origin: Literal["starter", "wheel", "library", "shared"]
    about: str
    normalizes: bool = False
    unknown: int | None = None
    special: dict[str, int] = {}
    template: str | None = None
    named: dict[str, str] = {}
    seams: Claims = NONE


@dataclass(frozen=True)
class Vocabulary:
    """All pieces by id: `spelling` as the file has it (None for an unused id), `raw` the UTF-8 bytes it stands for.

    `merges` (left, right, product) in the order in which they were learned; `scores` natural log-probabilities.
    """

    spelling: list[str | None]
    raw: list[bytes]
    special: frozenset[int]
    merges: list[tuple[int, int, int]] = field(default_factory=list)
    scores: list[float] | None = None


class Tokenizer(Protocol):
    """One tokenizer, read-only."""

    @property
    def card(self) -> Card: ...

    @property
    def joints(self) -> Joints:
        """Which neighbours its pieces join; asked for where its card claims `pairs` or `scores`."""
        ...

    def cut(self, text: str, *, special: bool = True) -> Cut:
        """The text's tokens; `special` adds what the tokenizer puts around a text ([CLS]). Raises BadInput."""
        ...

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """How the vocabulary spells each id."""
        ...

    def vocabulary(self) -> Vocabulary: ...


class Shelf(Protocol):
    """The tokenizers that a visitor may use."""

    def cards(self) -> list[Card]:
        """One card each, in the order in which they are offered."""
        ...

    def open(self, id: str) -> Tokenizer:
        """Raises NotFound for an id that is not on this shelf."""
        ...
