"""A text file as an array of token ids on disk, made once for each text and tokenizer.

The text is read in chunks that end where a tokenizer would cut anyway (a line's end), so it is never whole in
memory and its tokens do not depend on how it was read. Files appear in the cache by renaming, complete or not at
all; several runs may share them.
"""

import hashlib
import itertools
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from playground.domain.errors import BadInput
from playground.domain.kind import TokenIds
from playground.domain.messages import InputFile
from workers.engine import tokenizer as bpe
from workers.engine.files import appearing, prune
from workers.engine.port import Port

CHUNK_CHARACTERS = 32_768
"""Size of the pieces that are tokenized in parallel."""
CHUNKS_AT_ONCE = 64
TELL_SECONDS = 5
TRAINING_BYTES = 32 * 2**20
"""A tokenizer learns from at most about this much text, taken evenly from the whole: more does not change it much."""
CACHE_BYTES = 8 * 2**30
CACHE_SPARE = 3600.0
"""The cache forgets what was used longest ago, but nothing that was used within the hour."""
VERSION = 1
"""Part of every cache key: raise it when the same inputs would give other tokens."""

_LINE_END = re.compile(r"(?<=\S)\n(?=\S)")


@dataclass(frozen=True)
class Text:
    """A tokenized corpus: the memory-mapped ids, and the tokenizer that made them."""

    tokens: TokenIds
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


def prepare(cache: Path, corpus: InputFile, given: InputFile | None, vocab_size: int, port: Port) -> Text:
    """The tokens of a corpus, from the cache if they are there; trains the tokenizer if none is given."""
    source = file_of(corpus, "text.txt")
    if not source.stat().st_size:
        raise BadInput("The corpus is empty.")
    if given is None:
        tokenizer = _trained(cache / "tokenizers", source, corpus.sha256, vocab_size, port)
    else:
        tokenizer = bpe.load(file_of(given, "tokenizer.json"))
    identity = hashlib.sha256(tokenizer.to_str().encode()).hexdigest()
    key = hashlib.sha256(f"{VERSION} {corpus.sha256} {identity}".encode()).hexdigest()
    return Text(_encoded(cache / "tokens" / f"{key}.bin", source, tokenizer, port), tokenizer, identity)


def file_of(artifact: InputFile, name: str) -> Path:
    """The file of an artifact, whose path is either that file or the folder it lies in."""
    path = Path(artifact.path)
    return path / name if path.is_dir() else path


def _trained(folder: Path, source: Path, sha256: str, vocab_size: int, port: Port) -> Tokenizer:
    path = folder / f"{hashlib.sha256(f'{VERSION} {sha256} {vocab_size}'.encode()).hexdigest()}.json"
    if not path.exists():
        tokenizer = bpe.train(sampled(source, source.stat().st_size, port), vocab_size)
        with appearing(path) as file:
            file.write(tokenizer.to_str().encode())
    return bpe.load(path)


def _encoded(path: Path, source: Path, tokenizer: Tokenizer, port: Port) -> TokenIds:
    dtype = np.uint16 if tokenizer.get_vocab_size() <= 2**16 else np.uint32
    if not path.exists():
        prune(path.parent.parent, CACHE_BYTES, CACHE_SPARE)
        with appearing(path) as file:
            for part in _encode(source, tokenizer, port):
                file.write(part.astype(dtype).tobytes())
    if not path.stat().st_size:
        raise BadInput("The corpus has no tokens.")
    os.utime(path)
    return np.memmap(path, dtype=dtype, mode="r")


def _encode(source: Path, tokenizer: Tokenizer, port: Port) -> Iterator[NDArray[np.uint32]]:
    """The ids of a text, part by part; tells from time to time how far it is, and stops when asked to."""
    total, done, told = source.stat().st_size, 0, time.monotonic()
    pieces = chunks(source)
    while batch := list(itertools.islice(pieces, CHUNKS_AT_ONCE)):
        port.check()
        encodings = tokenizer.encode_batch_fast(batch, add_special_tokens=False)
        yield np.concatenate([np.asarray(encoding.ids, dtype=np.uint32) for encoding in encodings])
        done += sum(len(piece.encode()) for piece in batch)
        if time.monotonic() - told > TELL_SECONDS:
            told = time.monotonic()
            port.log(f"Tokenized {done / 2**20:,.0f} of {total / 2**20:,.0f} MiB.")
