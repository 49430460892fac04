"""Tokenizer files of other programs, told apart by what is in them and turned into one of our tokenizers.

`tokenizer.json`, `vocab.json` with `merges.txt`, and tiktoken's rank files become a tokenizer of the `tokenizers`
library (the conversions are exact, and the result can be kept as `tokenizer.json`); a SentencePiece `.model` is
opened by its own library. What is wrong is said before a library sees the file, as far as it can be: some shapes make
the library panic. Only the tokenizer child calls this for files that a visitor brought.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Literal

from tokenizers import Regex, decoders, models, pre_tokenizers
from tokenizers import Tokenizer as Library

from playground.domain import tokenizer_file
from playground.domain.errors import BadInput, TooLarge, VitrineError
from playground.domain.tokenization import alphabet, patterns

Kind = Literal["tokenizer.json", "vocabulary and merges", "tiktoken", "sentencepiece"]

_MODEL = re.compile(rb'"model"\s*:\s*[^\s\d]')
MAX_FILE_BYTES = 64 << 20  # the largest vocabulary in use (Gemma's, 262,144 pieces) is a file of 33 MB
MAX_PIECES = 1_000_000  # four times the largest vocabulary in use; ids beyond it would only cost memory


def kind_of(files: Mapping[str, bytes]) -> Kind:
    """What the files are. Raises BadInput for what none of our formats looks like, TooLarge beyond the limit."""
    for name, content in files.items():
        if len(content) > MAX_FILE_BYTES:
            raise TooLarge(f"{name} has {len(content):,} bytes; the limit for a tokenizer file is {MAX_FILE_BYTES:,}.")
    if len(files) == 2:
        if any(name.endswith(".json") for name in files) and any(name.endswith(".txt") for name in files):
            return "vocabulary and merges"
        raise BadInput("Two files are taken only as vocab.json with merges.txt.")
    if len(files) != 1:
        raise BadInput("Send one tokenizer file, or vocab.json together with merges.txt.")
    (content,) = files.values()
    head = content[:64].lstrip()
    if head.startswith(b"{"):
        # The words alone are tokens of many a vocabulary.
        if b'"merges"' not in content and not _MODEL.search(content):
            raise BadInput("This vocab.json says nothing about merges: send merges.txt together with it.")
        return "tokenizer.json"
    if head.startswith(b"#version"):
        raise BadInput("Merges alone are half a tokenizer: send vocab.json together with merges.txt.")
    first = content.split(b"\n", 1)[0].split()
    if len(first) == 2 and first[1].isdigit():
        return "tiktoken"
    if content[:1] == b"\n":  # field 1 of the model message, a piece
        return "sentencepiece"
    raise BadInput(
        "This is none of tokenizer.json, vocab.json with merges.txt, a SentencePiece model or a tiktoken rank file."
    )


def library_from(files: Mapping[str, bytes]) -> Library:
    """The tokenizer in the files, for every kind but SentencePiece. Raises BadInput with what is wrong."""
    kind = kind_of(files)
    contents = list(files.values())
    if kind == "tokenizer.json":
        return from_json(contents[0])
    if kind == "tiktoken":
        return from_ranks(contents[0])
    vocabulary = next(content for name, content in files.items() if name.endswith(".json"))
    merges = next(content for name, content in files.items() if name.endswith(".txt"))
    return from_vocabulary(vocabulary, merges)


def from_json(content: bytes) -> Library:
    """A `tokenizer.json`. What is known to make the library panic is refused here."""
    tokenizer_file.read(content)
    return _opened(lambda: Library.from_str(content.decode()), "tokenizer.json")


def from_vocabulary(vocabulary: bytes, merges: bytes) -> Library:
    """GPT-2's two files: pieces with ids, and merges in order. Every merge must join two pieces to a third."""
    numbers = _json(vocabulary, "vocab.json")
    _check_ids(list(numbers.values()))
    pairs: list[tuple[str, str]] = []
    for place, line in enumerate(_text(merges, "merges.txt").replace("\r\n", "\n").split("\n"), start=1):
        if not line or (place == 1 and line.startswith("#version")):
            continue
        left, _, right = line.partition(" ")
        for piece in (left, right, left + right):
            if not right or piece not in numbers:
                raise BadInput(f"merges.txt, line {place}: {piece!r} is not in the vocabulary.")
        pairs.append((left, right))
    return _opened(lambda: _byte_level(numbers, pairs, patterns.GPT2), "the vocabulary")


def from_ranks(content: bytes, pattern: patterns.Pattern | None = None) -> Library:
    """A tiktoken rank file: one piece, in base64, and its rank a line; the rank is the id."""
    ranks: dict[bytes, int] = {}
    for place, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            piece, rank = line.split()
            ranks[base64.b64decode(piece, validate=True)] = int(rank)
        except (ValueError, binascii.Error):
            raise BadInput(f"Rank file, line {place}: not a piece in base64 and a rank.") from None
    _check_ids(list(ranks.values()))
    missing = next((value for value in range(256) if bytes([value]) not in ranks), None)
    if missing is not None:
        raise BadInput(
            f"The rank file has no piece for the single byte 0x{missing:02X}, so not every text can be written."
        )
    pairs = []
    for whole, number in sorted(ranks.items(), key=lambda item: item[1]):
        parts = _parted(whole, number, ranks)
        if len(parts) == 2:
            pairs.append((alphabet.spell(parts[0]), alphabet.spell(parts[1])))
    numbers = {alphabet.spell(piece): rank for piece, rank in ranks.items()}
    expression = patterns.EXPRESSIONS[pattern or patterns.likely(len(ranks))]
    return _opened(lambda: _byte_level(numbers, pairs, expression, whole=True), "the rank file")


def _parted(piece: bytes, rank: int, ranks: Mapping[bytes, int]) -> list[bytes]:
    """The piece as pieces of lower rank: what stands there just before the merge that makes it."""
    parts = [piece[at : at + 1] for at in range(len(piece))]
    while len(parts) > 1:
        joined = [ranks.get(left + right, rank) for left, right in pairwise(parts)]
        least = min(joined)
        if least >= rank:
            break
        at = joined.index(least)
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts


def _byte_level(numbers: dict[str, int], pairs: list[tuple[str, str]], pattern: str, *, whole: bool = False) -> Library:
    """`whole`: a word that is itself a piece is taken at once, without merging, as tiktoken does."""
    library = Library(models.BPE(vocab=numbers, merges=pairs, ignore_merges=whole))
    if pattern == patterns.GPT2:
        library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    else:
        split = pre_tokenizers.Split(Regex(pattern), "isolated")
        letters = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        library.pre_tokenizer = pre_tokenizers.Sequence([split, letters])
    library.decoder = decoders.ByteLevel()
    special = [piece for piece in numbers if piece.startswith("<|") and piece.endswith("|>")]
    library.add_special_tokens(special)
    return library


def _opened(make: Any, name: str) -> Library:
    """The library's refusals, also its panics (which are no `Exception`), as our words."""
    try:
        library: Library = make()
    except VitrineError:
        raise
    except Exception as error:
        raise BadInput(f"{name} cannot be opened: {str(error)[:300]}") from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise BadInput(f"{name} makes the tokenizers library stop: {str(error)[:300]}") from None
    return library


def _text(content: bytes, name: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise BadInput(f"{name} is not UTF-8: byte {error.start} is not.") from None


def _json(content: bytes, name: str) -> dict[str, Any]:
    try:
        found = json.loads(_text(content, name))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{name} is not JSON: {str(error)[:200]}") from None
    if not isinstance(found, dict):
        raise BadInput(f"{name} is not a JSON object.")
    return found


def _check_ids(numbers: list[Any]) -> None:
    for number in numbers:
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < MAX_PIECES:
            raise BadInput(
                f"A piece has the id {str(number)[:40]}; ids are whole numbers from 0 to {MAX_PIECES - 1:,}."
            )
    if len(set(numbers)) < len(numbers):
        raise BadInput("Two pieces of the vocabulary have the same id.")
