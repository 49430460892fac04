"""Trains the tokenizers that come with Vitrine on its starter texts and writes them into the package.

The trainers are deterministic: the files change only when the texts or the trainers do, and a test trains one anew.
"""

import json
import sys
from pathlib import Path

from tokenizers import Tokenizer

from playground.domain.tokenization import export
from playground.storyworld import generate

FOLDER = Path(__file__).parent.parent / "playground/domain/tokenization/starter"
CHARACTERS = {"en": 300_000, "zh": 150_000}
SIZE = 2048
LEAST = 10
SEED = 7


def lines(name: str) -> list[str]:
    """The training text of "en", "zh" or "mixed", in lines that keep their ends."""
    languages = ["en", "zh"] if name == "mixed" else [name]
    return [line for code in languages for line in generate(SEED, CHARACTERS[code], code).splitlines(keepends=True)]


def train(algorithm: str, corpus: str) -> Tokenizer:
    """One of the starter tokenizers."""
    text = lines(corpus)
    if algorithm == "bpe":
        return export.byte_level_bpe(text, SIZE)
    if algorithm == "wordpiece":
        return export.word_piece(text, SIZE, LEAST)
    return export.unigram_pieces(text, SIZE) if algorithm == "unigram" else export.whole_words(text, SIZE)


def content(library: Tokenizer) -> str:
    """The file's text: JSON in short lines, so that a change can be read."""
    return json.dumps(json.loads(library.to_str()), ensure_ascii=False, separators=(",", ":")) + "\n"


def main() -> None:
    """Write all files, or those whose names are given."""
    FOLDER.mkdir(exist_ok=True)
    names = sys.argv[1:] or [f"{a}-{c}" for a in ("bpe", "wordpiece", "unigram") for c in ("en", "zh", "mixed")] + [
        "word-mixed"
    ]
    for name in names:
        library = train(*name.split("-"))
        (FOLDER / f"{name}.json").write_text(content(library))
        print(name, library.get_vocab_size())


if __name__ == "__main__":
    main()
