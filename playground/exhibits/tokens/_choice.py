"""Parameters that the exhibits of this wing share."""

from typing import Annotated

from pydantic import Field

MAX_CHARACTERS = 1 << 20
"""A megabyte of English: what a page can still scroll through and a tokenizer cuts in a second."""
MAX_TOKENIZERS = 8

TokenizerId = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[\w.-]+$")]
TokenizerIds = Annotated[list[TokenizerId], Field(min_length=1, max_length=MAX_TOKENIZERS)]

DEFAULT = ["bpe-mixed", "wordpiece-mixed", "unigram-mixed"]
EXAMPLE = "Ada's cat sleeps by the old mill. 面包师在磨坊里找到一只猫。 Unbelievable 👩‍🍳!"
