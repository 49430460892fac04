"""What a file is, and why it is refused: broken, hostile and merely unknown files, none of which reaches a panic."""

import base64
import json
from typing import Any

import pytest

from playground.domain.errors import BadInput, TooLarge
from playground.domain.tokenization import formats, patterns, starter

GOOD: dict[str, Any] = {
    "version": "1.0",
    "truncation": None,
    "padding": None,
    "added_tokens": [],
    "normalizer": None,
    "pre_tokenizer": None,
    "post_processor": None,
    "decoder": None,
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": [["a", "b"]]},
}
TEMPLATE = {
    "type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "x", "type_id": 0}}],
    "pair": [],
    "special_tokens": {},
}
RANKS = {bytes([value]): value for value in range(256)}


def spec(**changes: Any) -> bytes:
    return json.dumps({**GOOD, **changes}).encode()


def rank_lines(ranks: dict[bytes, int]) -> bytes:
    return b"\n".join(base64.b64encode(piece) + b" %d" % rank for piece, rank in ranks.items())


def test_a_good_file_opens() -> None:
    assert formats.library_from({"x": spec()}).encode("ab").ids == [2]
    assert formats.library_from({"x": rank_lines(RANKS)}).encode("é").ids == list("é".encode())


@pytest.mark.parametrize("pattern", patterns.EXPRESSIONS)
def test_a_rank_file_once_turned_into_a_tokenizer_opens_again(pattern: patterns.Pattern) -> None:
    kept = formats.from_ranks(rank_lines(RANKS), pattern).to_str().encode()
    assert formats.library_from({"x": kept}).encode("Aé猫 12345's").tokens


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"a": spec()}, "tokenizer.json"),
        ({"v.json": b"{}", "m.txt": b""}, "vocabulary and merges"),
        ({"a": rank_lines(RANKS)}, "tiktoken"),
        ({"a": b"\n\x0e\n\x05<unk>"}, "sentencepiece"),
    ],
)
def test_the_content_says_what_a_file_is(files: dict[str, bytes], kind: str) -> None:
    assert formats.kind_of(files) == kind


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"a": b""},
        {"a": b"PK\x03\x04"},
        {"a": b"\x80\x04pickle"},
        {"a": b'{"hello": 1}'},
        {"a": b"#version: 0.2\na b\n"},
        {"a": b"{}", "b": b"{}"},
        {"a": b"{}", "b": b"{}", "c": b"{}"},
    ],
)
def test_what_no_format_looks_like_is_refused(files: dict[str, bytes]) -> None:
    with pytest.raises(BadInput):
        formats.kind_of(files)


def test_a_vocabulary_alone_is_known_for_one_whatever_words_it_holds() -> None:
    with pytest.raises(BadInput, match="says nothing about merges"):
        formats.kind_of({"upload": b'{"a": 0, "model": 1}'})
    assert formats.kind_of({"upload": b'{"model": "none"}'}) == "tokenizer.json"


def test_a_file_beyond_the_limit_is_refused_with_the_limit() -> None:
    with pytest.raises(TooLarge, match="67,108,864"):
        formats.kind_of({"big": b"{" * (formats.MAX_FILE_BYTES + 1)})


@pytest.mark.parametrize(
    "changes",
    [
        {"model": 1},
        {"model": {"type": "BPE", "vocab": {"a": 2**40}, "merges": []}},
        {"model": {"type": "BPE", "vocab": {"a": 0, "b": 0}, "merges": []}},
        {"model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": [["a", "b"]]}},
        {"model": {"type": "BPE", "vocab": "/etc/passwd", "merges": "/etc/hosts"}},
        {"model": {"type": "WordPiece", "vocab": "vocab.txt", "unk_token": "[UNK]"}},
        {"model": {"type": "Unigram", "vocab": [["a"]], "unk_id": 0}},
        {"model": {"type": "Unigram", "vocab": [["a", -1.0]], "unk_id": 7}},
        {"model": {"type": "WordPiece", "vocab": {"a": 0}, "unk_token": "[UNK]", "max_input_chars_per_word": "x"}},
        {"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False}},
        {"pre_tokenizer": {"type": "FixedLength", "length": 0}},
        {"normalizer": {"type": "Replace", "pattern": {"Regex": "(.*)*b"}, "content": ""}},
        {"normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAA"}},
        {"decoder": {"type": "Strip", "content": " ", "start": 2**40, "stop": 2**40}},
        {"truncation": {"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 2}},
        {"post_processor": TEMPLATE},
        {"normalizer": {"type": "Sequence", "normalizers": [{"type": "Sequence", "normalizers": []}] * 1000}},
        {"added_tokens": [{"id": 0, "content": "", "special": True}]},
    ],
)  # fmt: skip
def test_hostile_descriptions_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        formats.library_from({"x": spec(**changes)})


def test_deep_nesting_is_no_json() -> None:
    with pytest.raises(BadInput):
        formats.library_from({"x": b'{"model": ' + b"[" * 200_000})


@pytest.mark.parametrize(
    ("vocabulary", "merges", "reason"),
    [
        (b'{"a": 0}', b"a b\n", "line 1"),
        (b'{"a": 0, "b": 1}', b"a b\n", "'ab' is not"),
        (b'{"a": 0, "b": 1, "ab": 2}', b"#version\na b\nab\n", "line 3"),
        (b'{"a": "0"}', b"", "whole numbers"),
        (b"\xff", b"", "byte 0"),
        (b"[1]", b"", "object"),
        (b'{"a": 0}', b"\xe4", "merges.txt is not UTF-8"),
    ],
)
def test_merges_and_vocabulary_must_fit(vocabulary: bytes, merges: bytes, reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        formats.from_vocabulary(vocabulary, merges)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"?? 1\n", "line 1"),
        (b"YQ== x\n", "line 1"),
        (b"YQ== 0\n", "0x00"),
        (rank_lines(RANKS | {b"ab": 7}), "same id"),
        (rank_lines(RANKS | {b"ab": 10**9}), "whole numbers"),
    ],
)
def test_broken_rank_files_are_refused(content: bytes, reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        formats.from_ranks(content)


def test_a_piece_that_no_merge_makes_is_still_taken_whole() -> None:
    library = formats.from_ranks(rank_lines(RANKS | {b"xyz": 256}))
    assert library.encode("xyz").ids == [256]
    assert library.encode("xyzx").ids == [120, 121, 122, 120]


def test_the_starter_files_are_what_the_trainers_make() -> None:
    """One of them, trained anew: the same bytes on every machine."""
    from tools.starter_tokenizers import content, train

    assert content(train("wordpiece", "zh")) == (starter.FOLDER / "wordpiece-zh.json").read_text(encoding="utf-8")
