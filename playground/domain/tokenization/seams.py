"""What may be claimed of a tokenizer: at which places of a text it surely cuts, whatever stands further away.

At such a seam the tokens of both sides, each cut alone, are together the tokens of the whole, so that of an edited text
only a stretch has to be cut anew (`parting` finds the places). Claims are made only of tokenizers whose every part is
known, and none depends on more than a few characters beside the place. Of all others nothing is claimed: they cut the
whole text again.
"""

import re
from typing import Any, Literal

from pydantic import BaseModel
from tokenizers import Tokenizer as Library
from tokenizers import pre_tokenizers

from playground.domain.tokenization.patterns import EXPRESSIONS

Rule = Literal["none", "spaces", "lines"]
"""`spaces`: before a single space between two words; `lines`: behind a single line break between two words, too."""

Inside = Literal["never", "marks", "always", "pairs", "scores"]
"""Between two characters that no white space parts: `marks` between a Chinese character and a punctuation mark;
`always` also between two Chinese characters; `pairs` there only if no piece of the vocabulary joins the two; `scores`
so at marks too, and sums of scores decide, so that no two ways of cutting may weigh the same.
"""


class Claims(BaseModel):
    """Where a tokenizer's texts can be taken apart. `composed`: only those texts that are in normal form C."""

    between: Rule = "none"
    inside: Inside = "never"
    composed: bool = False


NONE = Claims()
_CHINESE = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")
_LOCAL_NORMALIZERS = {"NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "BertNormalizer"}
_FRAMES = {"TemplateProcessing", "BertProcessing", "RobertaProcessing", "ByteLevel"}
# Expressions that take a space only before what follows it, and a line break only behind what stands before it.
_QWEN = (
    r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"""
    r"""|\s*[\r\n]+|\s+(?!\S)|\s+"""
)
_KNOWN = {*EXPRESSIONS.values(), _QWEN}


def claims_of(library: Library, spec: dict[str, Any], *, byte_level: bool) -> Claims:
    """What may be claimed of a tokenizer, by its own description."""
    model, normalizer = spec["model"], spec["normalizer"]
    if model.get("dropout") or not _normalizes_locally(normalizer) or not _plain(spec["added_tokens"]):
        return NONE
    if spec["post_processor"] is not None and not _is_frame(spec["post_processor"]):
        return NONE
    between = _splits(spec["pre_tokenizer"])
    if between == "none":
        return NONE
    # The share of the bytes is read off the pieces where these, joined, are the text: then it must always be so.
    if byte_level:
        whole = set(pre_tokenizers.ByteLevel.alphabet()) <= library.get_vocab(with_added_tokens=False).keys()
        composed = normalizer is not None and normalizer["type"] == "NFC"
        if not whole or not (normalizer is None or composed):
            return NONE
        return Claims(between=between, inside="pairs" if model["type"] == "BPE" else "never", composed=composed)
    inside = _inside(model["type"], normalizer, spec["pre_tokenizer"])
    # An added word is taken out whole, wherever the others would part it.
    joined = inside != "scores" and any(_CHINESE.search(token["content"]) for token in spec["added_tokens"])
    return Claims(between=between, inside="never" if joined else inside)


def _inside(model: str, normalizer: dict[str, Any] | None, splits: dict[str, Any]) -> Inside:
    if splits["type"] in ("BertPreTokenizer", "Whitespace"):
        parts = normalizer is not None and normalizer["type"] == "BertNormalizer" and normalizer["handle_chinese_chars"]
        return "always" if parts and splits["type"] == "BertPreTokenizer" else "marks"
    return "scores" if splits["type"] == "Metaspace" and model == "Unigram" and normalizer is None else "never"


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
