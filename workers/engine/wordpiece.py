"""WordPiece as BERT has it: words, cut into pieces of which all but the first are written with ##.

Chinese characters stand alone, upper case and accents stay. The library's own trainer gives another vocabulary in every
process, because it numbers the pieces inside words in the order of a hash table and breaks ties between merges by those
numbers. Here every character is numbered before the training begins, and the same text gives the same vocabulary.
"""

from collections import Counter
from collections.abc import Iterator

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

PAD, UNK, CLS, SEP, MASK = SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
INSIDE = "##"


def train(chunks: Iterator[str], vocab_size: int) -> Tokenizer:
    """A tokenizer of at most `vocab_size` tokens: five special ones, single characters, then merges by frequency.

    Where the text has more characters than the vocabulary has room for, the rarest are unknown.
    """
    text = list(chunks)
    normalizer = normalizers.BertNormalizer(handle_chinese_chars=True, strip_accents=False, lowercase=False)
    cut = pre_tokenizers.BertPreTokenizer()
    words = Counter(word for chunk in text for word, _ in cut.pre_tokenize_str(normalizer.normalize_str(chunk)))
    letters = _letters(words, vocab_size - len(SPECIAL))
    learner = Tokenizer(models.BPE(unk_token=UNK, continuing_subword_prefix=INSIDE))
    learner.normalizer, learner.pre_tokenizer = normalizer, cut
    alphabet = sorted({letter.removeprefix(INSIDE) for letter in letters})
    # The trainer counts every character of its alphabet at the start of a word, also those that only stand inside one.
    extra = len(set(alphabet) - set(letters))
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size + extra,
        special_tokens=[*SPECIAL, *letters],
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        continuing_subword_prefix=INSIDE,
        show_progress=False,
    )
    learner.train_from_iterator(text, trainer)
    ordered = sorted(learner.get_vocab().items(), key=lambda item: item[1])
    known = set(letters) | set(SPECIAL)
    pieces = [piece for piece, _ in ordered if piece in known or len(piece.removeprefix(INSIDE)) > 1]
    return _tokenizer(pieces[:vocab_size], normalizer, cut)


def _letters(words: Counter[str], most: int) -> list[str]:
    """The characters of the words, "##" before those inside one; the most frequent where there are too many."""
    found: Counter[str] = Counter()
    for word, times in words.items():
        found[word[0]] += times
        for letter in word[1:]:
            found[INSIDE + letter] += times
    chosen = sorted(found, key=lambda letter: (-found[letter], letter))[:most]
    return sorted(chosen, key=lambda letter: (letter.startswith(INSIDE) and len(letter) > len(INSIDE), letter))


def _tokenizer(pieces: list[str], normalizer: normalizers.Normalizer, cut: pre_tokenizers.PreTokenizer) -> Tokenizer:
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocab=vocabulary, unk_token=UNK))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, cut
    tokenizer.decoder = decoders.WordPiece(prefix=INSIDE)
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{CLS} $A {SEP}",
        pair=f"{CLS} $A {SEP} $B:1 {SEP}:1",
        special_tokens=[(CLS, vocabulary[CLS]), (SEP, vocabulary[SEP])],
    )
    return tokenizer
