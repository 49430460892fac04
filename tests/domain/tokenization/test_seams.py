"""At a seam a text can be taken apart: the tokens of the parts, each cut alone, are those of the whole."""

import random
from itertools import pairwise

import numpy as np
import pytest
from tokenizers import AddedToken, Regex, models, normalizers, pre_tokenizers, processors
from tokenizers import Tokenizer as Library

from playground.domain.tokenization import formats, patterns, seams
from playground.domain.tokenization.fast import Fast, describe
from playground.domain.tokenization.starter import Starters, names
from playground.domain.tokenization.tokenizer import Tokenizer
from tests.domain.tokenization.strings import strings
from tests.domain.tokenization.test_exactness import gpt2_files

JOINS = [" ", " ", " ", "\n", "\n", "  ", "\n\n", " \n", "", "'s ", ".\n", "!\n/"]


def texts(count: int) -> list[str]:
    """Strings of every kind, joined as words and lines are."""
    generator = random.Random(4)
    parts = strings()
    return ["".join(generator.choice(parts) + generator.choice(JOINS) for _ in range(30)) for _ in range(count)]


def fast(library: Library) -> Fast:
    return Fast(library, describe(library, id="x", title="x", origin="library", about=""))


def byte_level(pattern: str | None) -> Fast:
    library = formats.library_from(gpt2_files())
    if pattern is not None:
        split = pre_tokenizers.Split(Regex(pattern), "isolated")
        letters = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        library.pre_tokenizer = pre_tokenizers.Sequence([split, letters])
    return fast(library)


def normalizing() -> Fast:
    tokenizer = Starters().open("wordpiece-mixed")
    assert isinstance(tokenizer, Fast)
    library = Library.from_str(tokenizer.library.to_str())
    library.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase(), normalizers.StripAccents()])
    return fast(library)


TOKENIZERS: dict[str, Tokenizer] = {
    **{name: Starters().open(name) for name in names()},
    "gpt2": byte_level(None),
    **{name: byte_level(pattern) for name, pattern in patterns.EXPRESSIONS.items()},
    "normalizing": normalizing(),
}


@pytest.mark.parametrize("name", TOKENIZERS)
def test_the_parts_have_the_tokens_of_the_whole(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seams, "EVERY", 1)
    tokenizer = TOKENIZERS[name]
    found = 0
    for text in texts(40):
        places = [0, *seams.places(text, [tokenizer.card.seams]), len(text)]
        found += len(places)
        whole = tokenizer.cut(text, special=False)
        parts = [tokenizer.cut(text[start:end], special=False) for start, end in pairwise(places)]
        sizes = np.cumsum([0, *[len(part.text.raw) for part in parts]])
        assert whole.ids.tolist() == [number for part in parts for number in part.ids.tolist()]
        for field in ("byte_starts", "byte_ends"):
            moved = [getattr(part, field) + size for part, size in zip(parts, sizes, strict=False)]
            assert np.array_equal(getattr(whole, field), np.concatenate(moved))
        for field in ("special", "unknown", "first"):
            assert np.array_equal(getattr(whole, field), np.concatenate([getattr(part, field) for part in parts]))
    assert found > 1_000


@pytest.mark.parametrize(
    "change",
    [
        lambda library: setattr(library, "pre_tokenizer", None),
        lambda library: setattr(library, "pre_tokenizer", pre_tokenizers.Split(Regex(r"\w+"), "isolated")),
        lambda library: setattr(library, "pre_tokenizer", pre_tokenizers.ByteLevel(add_prefix_space=True)),
        lambda library: setattr(library, "normalizer", normalizers.Strip()),
        lambda library: setattr(library, "normalizer", normalizers.NFC()),
        lambda library: library.add_tokens([AddedToken("the mill")]),
        lambda library: library.add_tokens([AddedToken("<x>", lstrip=True)]),
        lambda library: setattr(library, "model", models.BPE(dropout=0.5)),
    ],
)
def test_nothing_is_claimed_of_what_may_look_further(change: object) -> None:
    library = formats.library_from(gpt2_files())
    assert fast(library).card.seams == "lines"
    assert callable(change)
    change(library)
    assert fast(library).card.seams == "none"


def test_what_stands_around_a_text_changes_nothing() -> None:
    library = formats.library_from(gpt2_files())
    end = library.token_to_id("<|endoftext|>") or 0
    library.post_processor = processors.TemplateProcessing(
        single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", end)]
    )
    assert fast(library).card.seams == "lines"


def test_the_weakest_rule_counts_and_seams_keep_their_distance() -> None:
    text = "one two\nthree four " * 200
    both = seams.places(text, ["lines", "spaces"])
    assert all(text[place] == " " for place in both)
    assert all(later - earlier >= seams.EVERY for earlier, later in pairwise(both))
    assert any(text[place - 1] == "\n" for place in seams.places("one\n" * 200, ["lines"]))
    assert seams.places(text, ["lines", "none"]) == []
    assert seams.places(text, []) == []
