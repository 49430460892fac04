"""A text file as arrays of token ids and the like on disk, made once for each text, tokenizer and kind.

The text is read in chunks that end where a tokenizer would cut anyway (a line's end), so it is never whole in
memory and its tokens do not depend on how it was read. Files appear in the cache by renaming, complete or not at
all; several runs may share them.
"""

import contextlib
import hashlib
import itertools
import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from playground.domain.errors import BadInput
from playground.domain.kind import Data, JobKind
from playground.domain.messages import InputFile
from playground.domain.special import special_ids
from workers.engine import tokenizer as bpe
from workers.engine.bases import context_of
from workers.engine.files import appearing, appearing_folder, prune
from workers.engine.port import Port

CHUNK_CHARACTERS = 32_768
"""Size of the pieces that are tokenized in parallel."""
CHUNKS_AT_ONCE, LINES_AT_ONCE = 64, 4_096
TELL_SECONDS = 5
TRAINING_BYTES = 32 * 2**20
"""A tokenizer learns from at most about this much text, taken evenly from the whole: more does not change it much."""
CACHE_BYTES = 8 * 2**30
CACHE_SPARE = 3600.0
"""The cache forgets what was used longest ago, but nothing that was used within the hour."""
VERSION = 2
"""Part of every cache key: raise it when the same inputs would give other tokens."""

_LINE_END = re.compile(r"(?<=\S)\n(?=\S)")


@dataclass(frozen=True)
class Text:
    """An encoded corpus: its memory-mapped arrays, and the tokenizer that made them."""

    data: Data
    tokenizer: Tokenizer
    sha256: str


def chunks(path: Path, size: int = CHUNK_CHARACTERS) -> Iterator[str]:
    """The text of a UTF-8 file in pieces of at most `size` characters, cut between two lines where possible.

    Raises BadInput naming the byte offset at which the file is not UTF-8.
    """
    rest = ""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            while block := file.read(size - len(rest)):
                text = rest + block
                cut = _cut(text) if len(text) == size else len(text)
                yield text[:cut]
                rest = text[cut:]
    except UnicodeDecodeError as error:
        raise BadInput(f"The corpus is not UTF-8: {error.reason}.") from error
    if rest:
        yield rest


def _cut(text: str) -> int:
    ends = [match.end() for match in _LINE_END.finditer(text)]
    if ends:
        return ends[-1]
    space = max(text.rfind("\n"), text.rfind(" "))
    return space if space > 0 else len(text)


def sampled(path: Path, total: int, port: Port) -> Iterator[str]:
    """Chunks for training a tokenizer: all of them, or every n-th of a corpus (of `total` bytes) that is too large."""
    stride = -(-total // TRAINING_BYTES)
    for index, chunk in enumerate(chunks(path)):
        if index % CHUNKS_AT_ONCE == 0:
            port.check()
        if index % stride == 0:
            yield chunk


def lines(path: Path) -> Iterator[str]:
    """The lines of a UTF-8 file without their ends, empty ones included, so that they can be counted."""
    rest = ""
    for chunk in chunks(path):
        *whole, rest = (rest + chunk).split("\n")
        yield from whole
    if rest:
        yield rest


def prepare(cache: Path, kind: JobKind, params: Any, corpus: InputFile, given: InputFile | None, port: Port) -> Text:
    """The arrays of a corpus, from the cache if they are there; trains the tokenizer if none is given."""
    source = file_of(corpus, "text.txt")
    if not source.stat().st_size:
        raise BadInput("The corpus is empty.")
    if given is None:
        tokenizer = _trained(cache / "tokenizers", kind, source, corpus.sha256, params.vocab_size, port)
        config = context = None
    else:
        path = file_of(given, "tokenizer.json")
        tokenizer, config, context = bpe.load(path), bpe.config_of(path), context_of(path.parent)
    identity = hashlib.sha256(tokenizer.to_str().encode()).hexdigest()
    how = json.dumps([VERSION, kind.name, corpus.sha256, identity, kind.encoding(params)], sort_keys=True)
    folder = cache / "tokens" / hashlib.sha256(how.encode()).hexdigest()
    arrays = _encoded(folder, source, kind, params, tokenizer, port)
    tokens = arrays.pop("tokens")
    special = special_ids(tokenizer, config)
    data = kind.arrange(Data(tokens, tokenizer.get_vocab_size(), special, arrays, context=context), params)
    return Text(data, tokenizer, identity)


def file_of(artifact: InputFile, name: str) -> Path:
    """The file of an artifact, whose path is either that file or the folder it lies in."""
    path = Path(artifact.path)
    return path / name if path.is_dir() else path


def _trained(folder: Path, kind: JobKind, source: Path, sha256: str, vocab_size: int, port: Port) -> Tokenizer:
    how = f"{VERSION} {kind.tokenizer} {sha256} {vocab_size}"
    path = folder / f"{hashlib.sha256(how.encode()).hexdigest()}.json"
    if not path.exists():
        learn = bpe.ALGORITHMS[kind.tokenizer or "bpe"]
        tokenizer = learn(sampled(source, source.stat().st_size, port), vocab_size)
        with appearing(path) as file:
            file.write(tokenizer.to_str().encode())
    return bpe.load(path)


def _encoded(
    folder: Path, source: Path, kind: JobKind, params: Any, tokenizer: Tokenizer, port: Port
) -> dict[str, NDArray[Any]]:
    """Every array of the corpus, memory-mapped; each is a file of its own, named after the array and its type."""
    if not folder.exists():
        prune(folder.parent.parent, CACHE_BYTES, CACHE_SPARE)
        try:
            with appearing_folder(folder) as part:
                _write(part, source, kind, params, tokenizer, port)
        except OSError:
            if not folder.exists():  # else another run was faster, with the same arrays
                raise
    arrays = {}
    for path in folder.iterdir():
        name, dtype = path.stem, np.dtype(path.suffix[1:])
        empty = not path.stat().st_size
        arrays[name] = np.empty(0, dtype) if empty else np.memmap(path, dtype=dtype, mode="r")
        os.utime(path)
    if not len(arrays.get("tokens", ())):
        raise BadInput("The corpus has no tokens.")
    return arrays


def _write(folder: Path, source: Path, kind: JobKind, params: Any, tokenizer: Tokenizer, port: Port) -> None:
    """Encode a corpus part by part; tells from time to time how far it is, and stops when asked to."""
    total, done, told, first = source.stat().st_size, 0, time.monotonic(), 1
    pieces = chunks(source) if kind.reads == "text" else lines(source)
    at_once = CHUNKS_AT_ONCE if kind.reads == "text" else LINES_AT_ONCE
    ids = np.uint16 if tokenizer.get_vocab_size() <= 2**16 else np.uint32
    with contextlib.ExitStack() as stack:
        files: dict[str, BinaryIO] = {}
        while batch := list(itertools.islice(pieces, at_once)):
            port.check()
            found = kind.encode(batch, first, tokenizer, params)
            for name, array in (found | {"tokens": found["tokens"].astype(ids)}).items():
                if name not in files:
                    files[name] = stack.enter_context((folder / f"{name}.{array.dtype.name}").open("wb"))
                files[name].write(array.tobytes())
            first += len(batch)
            done += sum(len(piece.encode()) for piece in batch)
            if time.monotonic() - told > TELL_SECONDS:
                told = time.monotonic()
                port.log(f"Tokenized {done / 2**20:,.0f} of {total / 2**20:,.0f} MiB.")
