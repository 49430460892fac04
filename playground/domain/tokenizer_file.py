"""Is a `tokenizer.json` that somebody brought one that the tokenizers library can read without coming to grief?

The library trusts what it reads: several well-formed files make it panic when they are loaded or first used, and a
regular expression may keep it busy for hours. So the file is checked here first, against lists of what real
tokenizers consist of. What passes is still opened in a process of its own.
"""

import json
from typing import Any

from playground.domain.errors import BadInput
from playground.domain.tokenization.patterns import O200K

MAX_BYTES = 64 * 2**20
"""The largest vocabularies in use (256,000 tokens with merges) take about 35 MB."""
MAX_VOCABULARY = 1_000_000
MAX_TOKEN_CHARACTERS = 1_024
MAX_DEPTH, MAX_PARTS = 4, 24

MODELS = {"BPE", "WordPiece", "Unigram", "WordLevel"}
COMPONENTS = {
    "normalizer": {
        "BertNormalizer", "Strip", "StripAccents", "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "Nmt", "Precompiled",
        "Replace", "Prepend", "ByteLevel", "Sequence",
    },
    "pre_tokenizer": {
        "BertPreTokenizer", "ByteLevel", "Metaspace", "Whitespace", "WhitespaceSplit", "Punctuation", "Digits",
        "CharDelimiterSplit", "UnicodeScripts", "FixedLength", "Split", "Sequence",
    },
    "post_processor": {"BertProcessing", "RobertaProcessing", "ByteLevel", "TemplateProcessing", "Sequence"},
    "decoder": {
        "BPEDecoder", "ByteLevel", "WordPiece", "Metaspace", "CTC", "Fuse", "Strip", "ByteFallback", "Replace",
        "Sequence",
    },
}  # fmt: skip
_PARTS = ("normalizers", "pretokenizers", "processors", "decoders")

_ENDINGS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
EXPRESSIONS = {
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",  # GPT-2
    _ENDINGS + r"|\p{N}{1,3}" + _REST,  # GPT-4, Llama 3
    _ENDINGS + r"|\p{N}" + _REST,  # Qwen 2 and 3
    O200K,  # GPT-4o, gpt-oss
    r"\s+", r" {2,}", r"\p{N}", r"\p{N}{1,3}", r"\d", r"[0-9]", r"[0-9][0-9][0-9]", r"\n", r" ", r"[\r\n]",
}  # fmt: skip
"""Regular expressions of known tokenizers; any other may take time that grows exponentially with the text."""


def read(raw: bytes) -> dict[str, Any]:
    """Parse and check the content of a tokenizer.json. Raises BadInput (`bad_file`) saying what is wrong."""
    if len(raw) > MAX_BYTES:
        raise refusal(f"it is larger than {MAX_BYTES // 2**20} MiB")
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        raise refusal("it is not JSON") from None
    if not isinstance(found, dict) or not isinstance(found.get("model"), dict):
        raise refusal("it describes no model")
    vocabulary = _vocabulary(found["model"])
    if found["model"].get("type", "BPE") == "BPE":
        _merges(found["model"], vocabulary)
    _added(found)
    for slot, allowed in COMPONENTS.items():
        _component(slot, found.get(slot), allowed, MAX_DEPTH)
    _truncation(found.get("truncation"))
    return found


def refusal(reason: str) -> BadInput:
    """The error for a file that is not accepted."""
    return BadInput(f"This tokenizer.json cannot be used: {reason}.", code="bad_file")


def _vocabulary(model: dict[str, Any]) -> dict[str, int]:
    if model.get("type", "BPE") not in MODELS:
        raise refusal("its model is of an unknown type")
    vocab = model.get("vocab")
    if isinstance(vocab, list):  # Unigram: pairs of a token and its score
        if not all(isinstance(pair, list) and len(pair) == 2 for pair in vocab):
            raise refusal("its vocabulary is malformed")
        vocab = {str(pair[0]): index for index, pair in enumerate(vocab)}
    if not isinstance(vocab, dict) or not 0 < len(vocab) <= MAX_VOCABULARY:
        raise refusal("its vocabulary is missing, empty or too large")
    whole = all(type(index) is int and 0 <= index < MAX_VOCABULARY for index in vocab.values())
    if not whole or len(set(vocab.values())) != len(vocab):
        raise refusal("two of its tokens share a number, or a number is out of range")
    if max(map(len, vocab)) > MAX_TOKEN_CHARACTERS:
        raise refusal(f"one of its tokens has more than {MAX_TOKEN_CHARACTERS} characters")
    return vocab


def _merges(model: dict[str, Any], vocab: dict[str, int]) -> None:
    merges = model.get("merges", [])
    prefix = model.get("continuing_subword_prefix") or ""
    if not isinstance(merges, list) or len(merges) > MAX_VOCABULARY:
        raise refusal("its merges are malformed")
    for merge in merges:
        pair = merge.split(" ") if isinstance(merge, str) else merge
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) for part in pair)):
            raise refusal("its merges are malformed")
        if not (pair[0] in vocab and pair[1] in vocab and pair[0] + pair[1].removeprefix(prefix) in vocab):
            raise refusal("one of its merges has parts or a result that are not in its vocabulary")


def _added(found: dict[str, Any]) -> None:
    added = found.get("added_tokens") or []
    if not isinstance(added, list) or len(added) > 10_000:
        raise refusal("its added tokens are malformed")
    for token in added:
        content = token.get("content") if isinstance(token, dict) else None
        if not isinstance(content, str) or not 0 < len(content) <= MAX_TOKEN_CHARACTERS:
            raise refusal("its added tokens are malformed")


def _component(slot: str, part: Any, allowed: set[str], depth: int) -> None:
    if part is None:
        return
    if not isinstance(part, dict) or part.get("type") not in allowed:
        raise refusal(f"its {slot} has an unknown part")
    if part["type"] == "Sequence":
        inner = next((part[name] for name in _PARTS if name in part), None)
        if not isinstance(inner, list) or len(inner) > MAX_PARTS or not depth:
            raise refusal(f"its {slot} is nested too deeply or has too many parts")
        for item in inner:
            _component(slot, item, allowed, depth - 1)
        return
    _pattern(slot, part)
    if part["type"] == "FixedLength" and not _between(part.get("length"), 1, 10_000):
        raise refusal("its pieces of a fixed length have no length")
    if (
        slot == "decoder"
        and part["type"] == "Strip"
        and not (_between(part.get("start"), 0, 8) and part.get("stop") == 0)
    ):
        raise refusal("its decoder strips more than a token may have")
    if part["type"] == "TemplateProcessing":
        _template(part)


def _pattern(slot: str, part: dict[str, Any]) -> None:
    pattern = part.get("pattern")
    if isinstance(pattern, dict) and "Regex" in pattern and pattern["Regex"] not in EXPRESSIONS:
        raise refusal(f"its {slot} has a regular expression that no known tokenizer uses")


def _template(part: dict[str, Any]) -> None:
    known = part.get("special_tokens")
    pieces = [*_list(part.get("single")), *_list(part.get("pair"))]
    for piece in pieces:
        special = piece.get("SpecialToken") if isinstance(piece, dict) else None
        if isinstance(special, dict) and not (isinstance(known, dict) and special.get("id") in known):
            raise refusal("its template names a special token that it does not define")


def _truncation(part: Any) -> None:
    if part is None:
        return
    length, stride = (part.get("max_length"), part.get("stride", 0)) if isinstance(part, dict) else (None, None)
    if type(length) is not int or not 0 < length < 2**40 or not _between(stride, 0, length // 2):
        raise refusal("the stride of its truncation is as long as the text that is left")


def _between(value: Any, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
