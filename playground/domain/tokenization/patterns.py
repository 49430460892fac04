"""How well-known byte-level tokenizers part a text before merging; a tiktoken rank file does not say it itself.

Sources: the `tiktoken_ext` module of the tiktoken package, whose expressions are data of those vocabularies.
"""

from typing import Literal

Pattern = Literal["gpt2", "cl100k", "o200k"]

GPT2 = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
CL100K = (
    r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"""
    r"""| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""
)
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_ENDING = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
O200K = "|".join(
    [
        rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{_ENDING}",
        rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{_ENDING}",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    ]
)
EXPRESSIONS: dict[Pattern, str] = {"gpt2": GPT2, "cl100k": CL100K, "o200k": O200K}


def likely(size: int) -> Pattern:
    """The pattern that vocabularies of this size use: up to 60,000 ranks GPT-2's, up to 150,000 cl100k's, else
    o200k's.
    """
    return "gpt2" if size <= 60_000 else "cl100k" if size <= 150_000 else "o200k"
