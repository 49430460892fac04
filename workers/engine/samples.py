"""What the model writes while it learns: the same prompt and the same dice at every step, so that only it changes."""

from typing import Any

from tokenizers import Tokenizer

from workers.engine import tokenizer as bpe
from workers.engine.generate import Choice, write

CHOICE = Choice(temperature=0.8, top_k=50, top_p=1.0)


def sample(model: Any, tokenizer: Tokenizer, prompt: str, context: int, count: int, seed: int) -> str:
    """A continuation of the prompt by `count` tokens; the model is left in training mode.

    An incomplete character at the end, which has no text yet, is left out.
    """
    ids = opening(tokenizer, prompt)
    choice = Choice(CHOICE.temperature, CHOICE.top_k, CHOICE.top_p, seed)
    model.eval()
    drawn = [token.id for token in write(model, ids, context, choice, count)]
    model.train()
    text: str = tokenizer.decode(drawn, skip_special_tokens=True)
    return text.rstrip("\ufffd")


def opening(tokenizer: Tokenizer, prompt: str) -> list[int]:
    """The ids of a prompt; an empty one begins a line, or else with the end of the text before."""
    ids: list[int] = tokenizer.encode(prompt or "\n", add_special_tokens=False).ids
    start = bpe.end_of_text(tokenizer)
    return ids or [0 if start is None else start]
