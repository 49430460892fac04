"""Ids and offsets are the libraries' own, bytes are exact, and the groups joined are the input: over ten thousand
strings.
"""

import base64
import io
import json

import pytest
import sentencepiece
import tiktoken
from tokenizers import Tokenizer as Library
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from playground.domain.tokenization import alphabet, formats, patterns, starter
from playground.domain.tokenization.cut import Cut
from playground.domain.tokenization.fast import Fast, describe
from playground.domain.tokenization.pieces import Pieces
from playground.domain.tokenization.tokenizer import Tokenizer
from tests.domain.tokenization.strings import DATA, corpus, strings

GPT2 = DATA / "gpt2"


def fast(library: Library) -> Fast:
    return Fast(library, describe(library, id="x", title="x", origin="library", about=""))


def joined(cut: Cut) -> bytes:
    """Groups and the gaps between them; each group must be whole characters."""
    parts, at = [], 0
    for group in cut.groups():
        assert at <= group.start <= group.end
        parts.append(cut.text.raw[at : group.start].decode())
        parts.append(cut.text.raw[group.start : group.end].decode())
        at = group.end
    return "".join([*parts, cut.text.raw[at:].decode()]).encode()


def check_groups(tokenizer: Tokenizer, texts: list[str]) -> None:
    for text in texts:
        cut = tokenizer.cut(text)
        assert joined(cut) == text.encode()
        assert all("\ufffd" not in shown or "\ufffd" in text for shown in cut.texts())


def gpt2_files() -> dict[str, bytes]:
    """GPT-2's own files where the course's data lies beside the project, else a small vocabulary of the same kind."""
    if GPT2.is_dir():
        return {name: (GPT2 / name).read_bytes() for name in ("vocab.json", "merges.txt")}
    model = json.loads((starter.FOLDER / "bpe-mixed.json").read_text())["model"]
    merges = "#version: 0.2\n" + "\n".join(" ".join(pair) for pair in model["merges"]) + "\n"
    return {"vocab.json": json.dumps(model["vocab"]).encode(), "merges.txt": merges.encode()}


def ranks_of(files: dict[str, bytes]) -> dict[bytes, int]:
    """The vocabulary as tiktoken has it, renumbered in the order of the merges."""
    pieces = [piece for piece in json.loads(files["vocab.json"]) if alphabet.read(piece) is not None]
    merged = [line.replace(" ", "") for line in files["merges.txt"].decode().split("\n")[1:] if line]
    single = [piece for piece in pieces if len(piece) == 1]
    order = dict.fromkeys([*single, *merged])
    return {alphabet.read(piece) or b"": rank for rank, piece in enumerate(order)}


@pytest.fixture(scope="module")
def sentences() -> list[str]:
    return corpus()[:20_000]


def test_vocabulary_and_merges_cut_as_the_library_does() -> None:
    files = gpt2_files()
    tokenizer = fast(formats.library_from(files))
    numbers = json.loads(files["vocab.json"])
    lines = [line.split(" ") for line in files["merges.txt"].decode().split("\n")[1:] if line]
    pairs = [(left, right) for left, right in lines]
    plain = Library(models.BPE(vocab=numbers, merges=pairs))
    plain.pre_tokenizer, plain.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    plain.add_special_tokens(["<|endoftext|>"])
    for text in strings():
        cut, expected = tokenizer.cut(text), plain.encode(text)
        assert cut.ids.tolist() == expected.ids
        assert list(zip(cut.starts.tolist(), cut.ends.tolist(), strict=True)) == expected.offsets
        assert bytes.fromhex("".join(cut.shares())) == text.encode()
        assert plain.decode(cut.ids.tolist(), skip_special_tokens=False) == text
    check_groups(tokenizer, strings())


def test_gpt2_cuts_as_tiktoken_does() -> None:
    files = gpt2_files()
    ranks = ranks_of(files)
    reference = tiktoken.Encoding("x", pat_str=patterns.GPT2, mergeable_ranks=ranks, special_tokens={})
    tokenizer = fast(formats.library_from(files))
    numbers = json.loads(files["vocab.json"])
    same = {rank: numbers[alphabet.spell(piece)] for piece, rank in ranks.items()}
    for text in strings():
        assert tokenizer.cut(text).ids.tolist() == [same[rank] for rank in reference.encode_ordinary(text)]


@pytest.mark.parametrize("pattern", ["gpt2", "cl100k", "o200k"])
def test_a_rank_file_cuts_as_tiktoken_does(pattern: patterns.Pattern) -> None:
    ranks = ranks_of(gpt2_files())
    lines = b"\n".join(base64.b64encode(piece) + b" %d" % rank for piece, rank in ranks.items())
    tokenizer = fast(formats.from_ranks(lines, pattern))
    expression = patterns.EXPRESSIONS[pattern]
    reference = tiktoken.Encoding("x", pat_str=expression, mergeable_ranks=ranks, special_tokens={})
    for text in strings():
        cut = tokenizer.cut(text)
        expected = reference.encode_ordinary(text)
        assert cut.ids.tolist() == expected
        assert [bytes.fromhex(share) for share in cut.shares()] == reference.decode_tokens_bytes(expected)


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_a_sentencepiece_model_cuts_as_sentencepiece_does(kind: str, sentences: list[str]) -> None:
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences),
        model_writer=written,
        vocab_size=3000 if DATA.is_dir() else 330,
        model_type=kind,
        byte_fallback=True,
        character_coverage=0.98,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    tokenizer = Pieces(written.getvalue(), id="x", title="x", origin="library", about="")
    assert tokenizer.card.algorithm == kind
    reference = sentencepiece.SentencePieceProcessor(model_proto=written.getvalue())
    for text in strings():
        cut, expected = tokenizer.cut(text), reference.encode(text, return_type="offset_mapping")
        assert cut.ids.tolist() == expected["ids"]
        assert list(zip(cut.starts.tolist(), cut.ends.tolist(), strict=True)) == [
            tuple(pair) for pair in expected["offsets"]
        ]
    check_groups(tokenizer, strings())


@pytest.mark.parametrize("name", starter.names())
def test_every_starter_shows_the_whole_text(name: str) -> None:
    check_groups(starter.Starters().open(name), strings()[::4])


def test_byte_level_starters_give_the_text_back() -> None:
    for name in ("bpe-mixed", "bpe-en", "bpe-zh"):
        library = Library.from_file(str(starter.FOLDER / f"{name}.json"))
        for text in strings()[::3]:
            assert library.decode(library.encode(text).ids, skip_special_tokens=False) == text


def test_a_tokenizer_that_normalizes_and_falls_back_to_bytes_still_shows_the_input(sentences: list[str]) -> None:
    library = Library(models.BPE(byte_fallback=True, unk_token="<unk>"))
    library.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    library.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<unk>", *[f"<0x{value:02X}>" for value in range(256)]]
    trainer = trainers.BpeTrainer(vocab_size=1500, limit_alphabet=300, special_tokens=special, show_progress=False)
    library.train_from_iterator(sentences[:3000], trainer)
    tokenizer = fast(library)
    for text in strings()[::3]:
        cut, expected = tokenizer.cut(text), library.encode(text)
        assert cut.ids.tolist() == expected.ids
        assert list(zip(cut.starts.tolist(), cut.ends.tolist(), strict=True)) == expected.offsets
    check_groups(tokenizer, strings()[::3])
