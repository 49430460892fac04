"""At a seam a text can be taken apart: the tokens of the parts, each with the one before it, are the whole's."""

import random
from itertools import pairwise

import numpy as np
import pytest
from tokenizers import AddedToken, Regex, models, normalizers, pre_tokenizers, processors
from tokenizers import Tokenizer as Library

from playground.domain.tokenization import formats, parting, patterns
from playground.domain.tokenization.fast import Fast, describe
from playground.domain.tokenization.joints import Joints
from playground.domain.tokenization.seams import NONE, Claims
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


def composing() -> Fast:
    """As Qwen's: normal form C before bytes."""
    library = formats.library_from(gpt2_files())
    library.normalizer = normalizers.NFC()
    return fast(library)


def even() -> Fast:
    """A Unigram vocabulary in which many cuts weigh the same."""
    pieces = [("[UNK]", -20.0), ("\u2581", -2.0)]
    pieces += [(piece, -0.7 * len(piece)) for piece in ("猫", "在", "猫在", "哈", "哈哈", "，", "吃鱼", "鱼")]
    library = Library(models.Unigram(pieces, unk_id=0))
    library.pre_tokenizer = pre_tokenizers.Metaspace()
    return fast(library)


TOKENIZERS: dict[str, Tokenizer] = {
    **{name: Starters().open(name) for name in names()},
    "gpt2": byte_level(None),
    **{name: byte_level(pattern) for name, pattern in patterns.EXPRESSIONS.items()},
    "normalizing": normalizing(),
    "composing": composing(),
    "even": even(),
}
CHINESE = (
    "面包师在磨坊里找到一只猫，它很小。磨坊主说：“猫在哪里？”面包师吃鱼，猫吃鱼！哈哈哈哈，哈哈哈。"
    "机器学习、深度学习和自然语言处理；词表𠀀里没有的字也要切e\u0301。ABC猫abc猫123在 中英mixed在一起\n"
)


def chinese(count: int) -> list[str]:
    """Runs without spaces: sentences, single characters, and what is rarer in between."""
    generator = random.Random(7)
    rare = ["哈哈哈", "ABC", "e\u0301", " ", "\n", "𠀀", "👩‍👩‍👧", "，，", ",", "(", "!?", "“", "\u200d", "▁", "1,5"]
    found = []
    for _ in range(count):
        least = generator.randrange(len(CHINESE) - 12)
        pool = CHINESE[least : least + 12] if generator.random() < 0.5 else CHINESE
        text = "".join(generator.choice(pool) for _ in range(generator.randrange(2, 60)))
        found.append("".join(c if generator.random() < 0.97 else generator.choice(rare) for c in text))
    return found


def same_when_parted(tokenizer: Tokenizer, text: str) -> int:
    """Cut every part with the one before it, leave out what stands in that, and compare; how many parts there are."""
    edges = [0, *parting.part(text, [tokenizer]).places, len(text)]
    whole = tokenizer.cut(text, special=False)
    byte_of = whole.text.byte_of
    ids: list[int] = []
    marks: dict[str, list[int]] = {"byte_starts": [], "byte_ends": [], "special": [], "unknown": [], "first": []}
    for number, (start, end) in enumerate(pairwise(edges)):
        context = edges[number - 1] if number else 0
        window = text[context:end]
        part = tokenizer.cut(window, special=False)
        base = int(byte_of[context])
        skipped = int(byte_of[start]) - base
        if number and parting.part(window, [tokenizer]).unsure > start - context:
            # What stands before may matter: the page asks for the whole.
            assert ids == whole.ids[: len(ids)].tolist()
            return number
        kept = part.byte_starts >= skipped if number else np.ones(len(part.ids), dtype=bool)
        ids += part.ids[kept].tolist()
        for field in marks:
            moved = base if field.startswith("byte") else 0
            marks[field] += (getattr(part, field)[kept].astype(int) + moved).tolist()
    assert ids == whole.ids.tolist()
    for field, values in marks.items():
        assert values == getattr(whole, field).astype(int).tolist()
    return len(edges) - 1


@pytest.mark.parametrize("name", TOKENIZERS)
def test_the_parts_have_the_tokens_of_the_whole(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parting, "EVERY", 1)
    monkeypatch.setattr(parting, "FAR", 2)
    found = sum(same_when_parted(TOKENIZERS[name], text) for text in texts(40))
    assert found > (300 if name == "composing" else 1_000)


@pytest.mark.parametrize("name", TOKENIZERS)
def test_chinese_is_parted_without_spaces(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parting, "EVERY", 1)
    monkeypatch.setattr(parting, "FAR", 2)
    found = sum(same_when_parted(TOKENIZERS[name], text) for text in chinese(600))
    # "even" is in doubt nearly everywhere, and all Chinese together is one unknown token of English pieces.
    assert found > (650 if name in ("even", "unigram-en") else 1_200)


@pytest.mark.parametrize("name", ["unigram-zh", "unigram-mixed", "bpe-zh", "minilm"])
def test_a_long_run_has_a_seam_every_few_hundred_characters(name: str) -> None:
    if name not in TOKENIZERS:
        return
    generator = random.Random(3)
    letters = [letter for letter in CHINESE if "\u4e00" <= letter <= "\u9fff" and letter != "哈"]
    text = "".join(generator.choice(letters) for _ in range(4_000))
    places = [0, *parting.part(text, [TOKENIZERS[name]]).places, len(text)]
    assert max(later - earlier for earlier, later in pairwise(places)) < 4 * parting.EVERY
    assert same_when_parted(TOKENIZERS[name], text) > 8


def test_what_weighs_the_same_is_left_open() -> None:
    joints = TOKENIZERS["even"].joints
    assert joints.doubt("▁鱼鱼") == 0
    assert joints.doubt("▁鱼猫在鱼") == 4
    assert parting.part("鱼猫在鱼鱼", [TOKENIZERS["even"]]).unsure == 3
    assert parting.part(" 鱼猫在鱼鱼", [TOKENIZERS["even"]]).unsure == 0


def test_pieces_join_neighbours_also_in_part() -> None:
    joints = Joints(["猫在".encode(), "鱼".encode()[2:] + "里".encode()[:1]])
    assert not joints.parts("猫", "在")
    assert joints.parts("在", "猫")
    assert not joints.parts("鱼", "里")
    # Two characters that the vocabulary lacks are one unknown token.
    assert not Joints([], {"猫": -1.0}).parts("鱼", "里")
    assert Joints([], {"猫": -1.0}).parts("猫", "里")


@pytest.mark.parametrize(
    "change",
    [
        lambda library: setattr(library, "pre_tokenizer", None),
        lambda library: setattr(library, "pre_tokenizer", pre_tokenizers.Split(Regex(r"\w+"), "isolated")),
        lambda library: setattr(library, "pre_tokenizer", pre_tokenizers.ByteLevel(add_prefix_space=True)),
        lambda library: setattr(library, "normalizer", normalizers.Strip()),
        lambda library: setattr(library, "normalizer", normalizers.NFKC()),
        lambda library: library.add_tokens([AddedToken("the mill")]),
        lambda library: library.add_tokens([AddedToken("<x>", lstrip=True)]),
        lambda library: setattr(library, "model", models.BPE(dropout=0.5)),
    ],
)
def test_nothing_is_claimed_of_what_may_look_further(change: object) -> None:
    library = formats.library_from(gpt2_files())
    assert fast(library).card.seams == Claims(between="lines", inside="pairs")
    assert callable(change)
    change(library)
    assert fast(library).card.seams == NONE


def test_what_stands_around_a_text_changes_nothing() -> None:
    library = formats.library_from(gpt2_files())
    end = library.token_to_id("<|endoftext|>") or 0
    library.post_processor = processors.TemplateProcessing(
        single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", end)]
    )
    assert fast(library).card.seams.between == "lines"


def test_only_composed_text_has_seams_where_it_is_composed_first() -> None:
    tokenizer = TOKENIZERS["composing"]
    assert tokenizer.card.seams == Claims(between="lines", inside="pairs", composed=True)
    text = "one two three four " * 30
    assert parting.part(text, [tokenizer]).places
    assert parting.part(text + "e\u0301", [tokenizer]) == ([], len(text) + 2)


def test_the_weakest_rule_counts_and_seams_keep_their_distance() -> None:
    lines, spaces = TOKENIZERS["bpe-en"], TOKENIZERS["unigram-en"]
    text = "one two\nthree four " * 200
    both = parting.part(text, [lines, spaces]).places
    assert all(text[place] == " " for place in both)
    assert all(later - earlier >= parting.EVERY for earlier, later in pairwise(both))
    assert any(text[place - 1] == "\n" for place in parting.part("one\n" * 200, [lines]).places)
    none = formats.library_from(gpt2_files())
    none.pre_tokenizer = None
    assert parting.part(text, [lines, fast(none)]) == ([], len(text))


def test_before_a_mark_words_end_but_not_between_two_characters() -> None:
    text = "猫在磨坊里，" * 100
    places = parting.part(text, [TOKENIZERS["wordpiece-mixed"]]).places
    assert places
    assert all(text[place] == "，" for place in places)
