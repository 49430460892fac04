"""The bench: both forms of the answer say the same, counts are right, and awkward text is shown as it is."""

import base64

import numpy as np
import pytest
from pydantic import ValidationError

from playground.domain.errors import BadInput, NotFound
from playground.domain.tokenization.starter import Starters
from playground.exhibits.tokens.bench import MAX_LISTED, Params, exhibit, run

AWKWARD = [
    "",
    "\u0000",
    "a\u202eb\u202c",
    "e" + "\u0301" * 4000,
    "a\rb\r\nc",
    "👩‍👩‍👧‍👦",
    "机器学习",
    "<|endoftext|>",
    " \t\n ",
]
ALL = ["bpe-mixed", "wordpiece-mixed", "unigram-mixed", "word-mixed", "character", "byte"]


def unpack(packed: dict[str, str]) -> list[int]:
    found: list[int] = np.frombuffer(base64.b64decode(packed["bdata"]), dtype="<" + packed["dtype"]).tolist()
    return found


@pytest.mark.parametrize("text", AWKWARD)
def test_columns_say_what_the_list_says(text: str) -> None:
    listed = run(Params(text=text, tokenizers=ALL), Starters()).tokenizers
    columns = run(Params(text=text, tokenizers=ALL, form="columns"), Starters()).tokenizers
    for one, other in zip(listed, columns, strict=True):
        assert other.columns is not None
        assert unpack(other.columns.ids) == [token["id"] for token in one.tokens]
        ends, shares = 0, []
        for gap, length in zip(unpack(other.columns.gaps), unpack(other.columns.lengths), strict=True):
            shares.append(text.encode()[ends + gap : ends + gap + length].hex())
            ends += gap + length
        assert shares == [token["bytes"] for token in one.tokens]
        pieces = dict(zip(unpack(other.columns.vocabulary), other.columns.pieces, strict=True))
        assert [pieces[token["id"]] for token in one.tokens] == [token["piece"] for token in one.tokens]
        assert other.counts == one.counts


@pytest.mark.parametrize("text", AWKWARD)
def test_byte_level_tokens_are_the_text(text: str) -> None:
    for cutting in run(Params(text=text, tokenizers=["bpe-mixed", "byte", "character"]), Starters()).tokenizers:
        assert bytes.fromhex("".join(token["bytes"] for token in cutting.tokens)) == text.encode()
        assert "".join(token["text"] for token in cutting.tokens) == text


def test_tokens_of_one_character_form_one_group() -> None:
    tokens = run(Params(text="a猫b", tokenizers=["byte"]), Starters()).tokenizers[0].tokens
    assert [token["group"] for token in tokens] == [0, 1, 1, 1, 2]
    assert [token["text"] for token in tokens] == ["a", "", "", "猫", "b"]


def test_counts() -> None:
    counts = run(Params(text="the cat, 猫猫", tokenizers=["word-mixed"]), Starters()).tokenizers[0].counts
    assert (counts.characters, counts.bytes, counts.words) == (11, 15, 4)
    assert counts.unknown >= 1
    assert counts.tokens_per_word == round(counts.tokens / 4, 4)


def test_refusals() -> None:
    with pytest.raises(NotFound):
        run(Params(tokenizers=["nothing"]), Starters())
    with pytest.raises(BadInput):
        run(Params(text="a" * (MAX_LISTED + 1), tokenizers=["byte"]), Starters())
    with pytest.raises(ValidationError):
        Params(text="a" * ((1 << 20) + 1))
    assert exhibit.apart(Params(text="a" * (MAX_LISTED + 1)))
