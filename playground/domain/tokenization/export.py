"""What the teaching trainers learned, as tokenizers of the `tokenizers` library: they open anywhere as
`tokenizer.json`.

The same part of the library that will cut the words of a text cuts those of the corpus, so that what was learned
fits.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Literal

from tokenizers import Tokenizer as Library
from tokenizers import decoders, models, pre_tokenizers

from playground.domain.tokenization import bpe, unigram, wordpiece

UNKNOWN = "[UNK]"
END = "<|endoftext|>"
Learned = Literal["bpe", "wordpiece", "unigram", "word"]


def byte_level_bpe(lines: Iterable[str], size: int) -> Library:
    """GPT-2's kind: all 256 bytes, `size` - 257 merges, and a token that ends a text."""
    split = pre_tokenizers.ByteLevel(add_prefix_space=False)
    learned = bpe.learn(_count(split, lines), size - 257, least=2, rivals=0)
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = letters + [learned.symbols[merge.product] for merge in learned.merges]
    pairs = [(learned.symbols[merge.left], learned.symbols[merge.right]) for merge in learned.merges]
    library = Library(models.BPE(vocab=_numbered([END, *pieces]), merges=pairs))
    library.pre_tokenizer, library.decoder = split, decoders.ByteLevel()
    library.add_special_tokens([END])
    return library


def word_piece(lines: Iterable[str], size: int, least: int) -> Library:
    """BERT's kind, without its lower-casing: pairs that stand fewer than `least` times are no candidates."""
    split = pre_tokenizers.BertPreTokenizer()
    words = _count(split, lines)
    alphabet = wordpiece.learn(words, 0).alphabet
    learned = wordpiece.learn(words, size - alphabet - 1, least=least, rivals=0)
    pieces = [learned.piece(number) for number in range(len(learned.symbols))]
    library = Library(models.WordPiece(vocab=_numbered([UNKNOWN, *pieces]), unk_token=UNKNOWN))
    library.pre_tokenizer, library.decoder = split, decoders.WordPiece()
    library.add_special_tokens([UNKNOWN])
    return library


def unigram_pieces(lines: Iterable[str], size: int) -> Library:
    """SentencePiece's kind: a space is written "▁" and belongs to the word that follows it."""
    split = pre_tokenizers.Metaspace()
    learned = unigram.learn(_count(split, lines), size - 1)
    least = min(learned.pieces.values())
    library = Library(models.Unigram([(UNKNOWN, least - 10.0), *learned.pieces.items()], unk_id=0))
    library.pre_tokenizer, library.decoder = split, decoders.Metaspace()
    library.add_special_tokens([UNKNOWN])
    return library


def whole_words(lines: Iterable[str], size: int) -> Library:
    """The most frequent words and signs as they are; everything else is unknown."""
    split = pre_tokenizers.Whitespace()
    words = _count(split, lines)
    kept = sorted(words, key=lambda word: (-words[word], word))[: size - 1]
    library = Library(models.WordLevel(_numbered([UNKNOWN, *kept]), unk_token=UNKNOWN))
    library.pre_tokenizer = split
    library.add_special_tokens([UNKNOWN])
    return library


def _count(split: pre_tokenizers.PreTokenizer, lines: Iterable[str]) -> dict[str, int]:
    return dict(Counter(word for line in lines for word, _ in split.pre_tokenize_str(line)))


def _numbered(pieces: Iterable[str]) -> dict[str, int]:
    return {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
