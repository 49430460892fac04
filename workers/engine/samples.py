"""What the model writes while it learns: the same prompt and the same dice at every step, so that only it changes."""

import itertools
from typing import Any

from tokenizers import Tokenizer

from workers.engine import tokenizer as bpe
from workers.engine.generate import Choice, write
from workers.engine.spelling import Spelling

CHOICE = Choice(temperature=0.8, top_k=50, top_p=1.0)


def sample(
    model: Any, tokenizer: Tokenizer, prompt: str, context: int, count: int, seed: int, end: int | None = None
) -> str:
    """A continuation by `count` tokens, without incomplete characters; the model is left in training mode.

    `end` is a token after which nothing more is written. Raises Spoiled where the model gives no finite numbers.
    """
    ids = opening(tokenizer, prompt)
    choice = Choice(CHOICE.temperature, CHOICE.top_k, CHOICE.top_p, seed)
    model.eval()
    try:
        written = write(model, ids, context, choice, count)
        drawn = [token.id for token in itertools.takewhile(lambda token: token.id != end, written)]
    finally:
        model.train()
    return Spelling(tokenizer).text(drawn)


def opening(tokenizer: Tokenizer, prompt: str) -> list[int]:
    """The ids of a prompt; an empty one begins a line, or else with the end of the text before."""
    ids: list[int] = tokenizer.encode(prompt or "\n", add_special_tokens=False).ids
    start = bpe.end_of_text(tokenizer)
    return ids or [0 if start is None else start]
