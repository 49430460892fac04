"""Where a text can be taken apart without changing its tokens, so that only an edited stretch is cut anew.

At a seam the tokens of both sides, each cut alone, are together the tokens of the whole. Whether a place is one can
only be said of tokenizers whose every part is known to look no further than a space or a line break, and it must not
depend on more than the characters beside it. Of all others nothing is claimed: they cut the whole text again.
"""

import re
from collections.abc import Iterable
from typing import Any, Literal

from tokenizers import Tokenizer as Library
from tokenizers import pre_tokenizers

from playground.domain.tokenization.patterns import EXPRESSIONS

Rule = Literal["none", "spaces", "lines"]
"""`spaces`: before a single space between two words; `lines`: behind a single line break between two words, too."""

EVERY = 160
"""Characters from one seam to the next at least: a window of a few of them is cut in less than a millisecond."""
_SPACE = re.compile(r"(?<=[\w.,;:!?])(?= \w)")
# One line break alone: in a run of white space GPT-2's expression keeps the last character apart from the others,
# but not at the end of a text.
_LINE = re.compile(r"(?<=[\w.,;:!?。，！？；：]\n)(?=\w)")
_BOTH = re.compile(f"{_SPACE.pattern}|{_LINE.pattern}")
_ORDER: list[Rule] = ["none", "spaces", "lines"]

_LOCAL_NORMALIZERS = {"NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "BertNormalizer"}
_FRAMES = {"TemplateProcessing", "BertProcessing", "RobertaProcessing", "ByteLevel"}
# Expressions that take a space only before what follows it, and a line break only behind what stands before it.
_QWEN = (
    r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"""
    r"""|\s*[\r\n]+|\s+(?!\S)|\s+"""
)
_KNOWN = {*EXPRESSIONS.values(), _QWEN}


def places(text: str, rules: Iterable[Rule]) -> list[int]:
    """Character places of seams that all the rules allow, at least EVERY apart, in order."""
    rule = _ORDER[min((_ORDER.index(rule) for rule in rules), default=0)]
    if rule == "none":
        return []
    pattern = _SPACE if rule == "spaces" else _BOTH
    found: list[int] = []
    at = EVERY
    while (match := pattern.search(text, at)) is not None:
        found.append(match.start())
        at = match.start() + EVERY
    return found


def rule_of(library: Library, spec: dict[str, Any], *, byte_level: bool) -> Rule:
    """What may be claimed of a tokenizer, by its own description."""
    model = spec["model"]
    if model.get("dropout") or not _normalizes_locally(spec["normalizer"]) or not _plain(spec["added_tokens"]):
        return "none"
    if spec["post_processor"] is not None and not _is_frame(spec["post_processor"]):
        return "none"
    rule = _splits(spec["pre_tokenizer"])
    # The share of the bytes is read off the pieces where these, joined, are the text: then it must always be so.
    if byte_level:
        whole = set(pre_tokenizers.ByteLevel.alphabet()) <= library.get_vocab(with_added_tokens=False).keys()
        return rule if whole and spec["normalizer"] is None else "none"
    return rule


def _normalizes_locally(part: dict[str, Any] | None) -> bool:
    if part is None:
        return True
    if part["type"] == "Sequence":
        return all(map(_normalizes_locally, part["normalizers"]))
    return part["type"] in _LOCAL_NORMALIZERS


def _plain(added: list[dict[str, Any]]) -> bool:
    """Whether no added token reaches over white space."""
    return not any(token["lstrip"] or token["rstrip"] or re.search(r"\s", token["content"]) for token in added)


def _is_frame(part: dict[str, Any]) -> bool:
    if part["type"] == "Sequence":
        return all(map(_is_frame, part["processors"]))
    return part["type"] in _FRAMES


def _splits(part: dict[str, Any] | None) -> Rule:
    if part is None:
        return "none"
    kind = part["type"]
    if kind == "Sequence":
        first, *others = part["pretokenizers"]
        # What comes later parts the pieces further, each for itself.
        later = all(other["type"] in ("ByteLevel", "Digits", "Punctuation", "Split") for other in others)
        spaced = any(other.get("add_prefix_space") for other in others)
        return _splits(first) if later and not spaced else "none"
    if kind in ("BertPreTokenizer", "Whitespace", "WhitespaceSplit"):
        return "lines"
    if kind == "Metaspace":
        return "spaces" if part.get("split", True) else "none"
    if kind == "ByteLevel":
        return "lines" if part["use_regex"] and not part["add_prefix_space"] else "none"
    if kind == "Split":
        known = part["pattern"].get("Regex") in _KNOWN and part["behavior"] == "Isolated" and not part["invert"]
        return "lines" if known else "none"
    return "none"
