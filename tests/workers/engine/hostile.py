"""Tokenizer files that make the tokenizers library panic, each a shape that its own builders would refuse.

They are those of the upstream report on panics in deserialized configurations; written by a program, since a file
that harms is not kept in a repository.
"""

import copy
import json
from typing import Any

HARMLESS: dict[str, Any] = {
    "version": "1.0",
    "truncation": None,
    "padding": None,
    "added_tokens": [],
    "normalizer": None,
    "pre_tokenizer": None,
    "post_processor": None,
    "decoder": None,
    "model": {
        "type": "BPE",
        "dropout": None,
        "unk_token": None,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": False,
        "byte_fallback": False,
        "ignore_merges": False,
        "vocab": {"a": 0, "b": 1, "ab": 2, "#": 3},
        "merges": [["a", "b"]],
    },
}
_TEMPLATE = {
    "type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
    "special_tokens": {},
}
_MERGE = {**HARMLESS["model"], "vocab": {"aaaa": 0, "bbbb": 1, "a": 2}, "merges": [["aaaa", "bbbb"]]}
PANICS: dict[str, dict[str, Any]] = {
    "stride": {"truncation": {"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 5}},
    "template": {"post_processor": _TEMPLATE},
    "merge": {"model": _MERGE},
    "strip": {"decoder": {"type": "Strip", "content": "#", "start": 5, "stop": 5}},
    "fixed length": {"pre_tokenizer": {"type": "FixedLength", "length": 0}},
    "charsmap": {"normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAA"}},
}
TRY = """
import sys
from tokenizers import Tokenizer
try:
    tokenizer = Tokenizer.from_str(sys.stdin.read())
    tokenizer.encode("abab#ababab")
    tokenizer.decode([3])
except BaseException as error:
    print(type(error).__name__)
"""
"""A program that uses the file on its standard input, and prints the name of the error."""


def crafted(**parts: Any) -> str:
    """A tokenizer.json with some parts replaced."""
    return json.dumps({**copy.deepcopy(HARMLESS), **parts})
