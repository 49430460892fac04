"""From a file to token ids and back, byte for byte, whatever the script."""

from collections.abc import Callable, Iterator
from multiprocessing import Pipe
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from transformers import AutoTokenizer

from playground.domain.errors import BadInput
from playground.domain.messages import Control, InputFile, encode
from playground.jobs.clm import Params, kind
from tests.workers.engine.attempts import story
from workers.engine import corpus
from workers.engine import tokenizer as bpe
from workers.engine.port import Interrupted, Port
from workers.engine.spelling import Spelling


@pytest.fixture
def port() -> Iterator[Port]:
    """A port to which nobody says anything."""
    ours, theirs = Pipe()
    yield Port(ours)
    theirs.close()


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """A tokenizer trained on the story."""
    return bpe.train(iter([story()]), 400)


SMALL = bpe.train(iter([story(50)]), 300)
PARAMS = Params(corpus="00000000-0000-0000-0000-000000000000", vocab_size=350)
Write = Callable[[str], InputFile]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a text to a file that can be an input."""

    def make(text: str) -> InputFile:
        path = tmp_path / "text.txt"
        path.write_bytes(text.encode())
        return InputFile(path=str(path), sha256=str(abs(hash(text))))

    return make


@given(text=st.text(alphabet=st.sampled_from("ab\n \r\t中🦊"), max_size=400), size=st.integers(4, 60))
def test_chunks_are_the_text(text: str, size: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("chunks") / "text.txt"
    path.write_bytes(text.encode())
    found = list(corpus.chunks(path, size))
    assert "".join(found) == text
    assert all(0 < len(chunk) <= size for chunk in found)


def test_chunks_end_between_two_lines(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("one two\nthree four\n\nfive six seven\neight")
    assert list(corpus.chunks(path, 22)) == ["one two\n", "three four\n\nfive six", " seven\neight"]


def test_tokens_do_not_depend_on_the_cuts(write: Write, port: Port, tmp_path: Path, tokenizer: Tokenizer) -> None:
    text = story(3000)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    made = InputFile(path=str(tmp_path / "tokenizer.json"), sha256="t")
    found = corpus.prepare(tmp_path / "cache", kind, PARAMS, write(text), made, port)
    assert found.data.tokens.dtype == np.uint16
    assert found.data.tokens.tolist() == tokenizer.encode(text).ids
    assert Spelling(found.tokenizer).text(found.data.tokens.tolist()) == text


def test_prepared_twice_is_the_same_and_the_second_time_read(write: Write, port: Port, tmp_path: Path) -> None:
    source = write(story())
    first = corpus.prepare(tmp_path / "cache", kind, PARAMS, source, None, port)
    other = corpus.prepare(tmp_path / "other", kind, PARAMS, source, None, port)
    assert first.sha256 == other.sha256
    assert np.array_equal(first.data.tokens, other.data.tokens)
    Path(source.path).write_text("gone " * 10)
    cached = corpus.prepare(tmp_path / "cache", kind, PARAMS, source, None, port)
    assert np.array_equal(first.data.tokens, cached.data.tokens)


def test_an_interrupted_preparation_leaves_nothing(write: Write, tmp_path: Path) -> None:
    ours, theirs = Pipe()
    theirs.send_bytes(encode(Control(control="stop")))
    with pytest.raises(Interrupted):
        corpus.prepare(tmp_path / "cache", kind, PARAMS, write(story()), None, Port(ours))
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_bytes_that_are_not_utf_8_are_refused(tmp_path: Path, port: Port) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(b"abc\xff" * 100)
    with pytest.raises(BadInput, match="not UTF-8"):
        corpus.prepare(tmp_path / "cache", kind, PARAMS, InputFile(path=str(path), sha256="x"), None, port)


def test_a_large_corpus_is_sampled_evenly(write: Write, port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "TRAINING_BYTES", 100_000)
    source = Path(write("0123456789abcde\n" * 25_000).path)
    chosen = list(corpus.sampled(source, source.stat().st_size, port))
    assert 80_000 < sum(map(len, chosen)) < 140_000


def test_a_trained_tokenizer_writes_everything(tokenizer: Tokenizer, tmp_path: Path) -> None:
    bpe.save(tokenizer, tmp_path, 64)
    opened = AutoTokenizer.from_pretrained(tmp_path)
    assert opened.model_max_length == 64
    assert opened.eos_token == bpe.END_OF_TEXT
    for text in ("unseen Ω text", "你好 🤖\u0000\r\n", " leading", "<|endoftext|>"):
        assert opened.decode(opened(text)["input_ids"]) == text
        assert opened(text)["input_ids"] == tokenizer.encode(text).ids
    assert tokenizer.get_vocab_size() <= 400
    assert bpe.end_of_text(tokenizer) == 0


@given(text=st.text(max_size=80))
def test_spelling_never_shows_half_a_character(text: str) -> None:
    spelling = Spelling(SMALL)
    ids = SMALL.encode(text, add_special_tokens=False).ids
    writer = spelling.writer()
    shown = [writer.add(index) for index in ids]
    if bpe.END_OF_TEXT not in text:
        assert "".join(shown) == text == spelling.text(ids)
    assert b"".join(spelling.spell(index) for index in ids) == text.encode()
    assert not any("\ufffd" in part for part in shown) or "\ufffd" in text


def test_spelling_of_any_ids_shows_no_replacement_character(tokenizer: Tokenizer) -> None:
    made = Spelling(tokenizer)
    dice = np.random.default_rng(0)
    for _ in range(50):
        ids = dice.integers(0, tokenizer.get_vocab_size(), 30).tolist()
        writer = made.writer()
        assert "\ufffd" not in "".join(writer.add(index) for index in ids)
        assert "\ufffd" not in made.text(ids)
        assert not any("\ufffd" in made.alone(index) for index in ids)
    assert made.spell(10**6) == b""
    assert made.lengths().sum() > tokenizer.get_vocab_size()
    assert made.lengths()[0] == 0
