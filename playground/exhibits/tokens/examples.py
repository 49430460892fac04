"""Do the examples of a course hold? Notes on language models like to show a word neatly cut into parts that mean
something. Whether that is so depends on the tokenizer, and can be tried.

What does each answer mean? Every claim is run on the tokenizers that you choose: it holds for all of them, fails for
all of them, or depends on which one you ask.

Notice that a cut along meaningful parts is luck. No tokenizer here was told what a prefix is; it keeps what is
frequent in the text it was trained on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import BaseModel, Field

from playground.domain.exhibit import Exhibit
from playground.domain.knobs import Knobs
from playground.domain.tokenization import bpe, wordpiece, words
from playground.domain.tokenization.tokenizer import Shelf, Tokenizer
from playground.exhibits.tokens._choice import TokenizerIds
from playground.exhibits.tokens._shown import pieces
from playground.exhibits.tokens.bpe import EXAMPLE as CORPUS

Verdict = Literal["holds", "fails", "depends"]


class Params(Knobs):
    """Which tokenizers are asked, and which claims (all, if none is named)."""

    tokenizers: TokenizerIds = Field(
        ["bpe-mixed", "wordpiece-mixed", "unigram-mixed", "bpe-en", "character", "byte"], title="Tokenizers"
    )
    claims: list[str] = Field([], title="Claims", max_length=40)


class Case(BaseModel):
    """What one tokenizer did, and whether that is what the note says; the `values` belong into the remark."""

    tokenizer: str
    pieces: list[str]
    ids: list[int]
    holds: bool
    remark: str = ""
    values: dict[str, int] = {}


class Claim(BaseModel):
    """A claim in our words, the text it is tried on, what the note expects, and the verdict over all cases."""

    slug: str
    statement: str
    text: str
    expected: list[list[str]]
    verdict: Verdict
    because: str
    cases: list[Case]


class Result(BaseModel):
    """One answer for each claim."""

    claims: list[Claim]


@dataclass(frozen=True)
class _Cut:
    """A claim that a text is cut into certain pieces; `who` says which tokenizers it speaks of."""

    slug: str
    statement: str
    text: str
    expected: tuple[tuple[str, ...], ...]
    who: Callable[[Tokenizer], bool] = lambda tokenizer: True
    ids: tuple[int, ...] = ()


def _subword(tokenizer: Tokenizer) -> bool:
    return tokenizer.card.algorithm in ("bpe", "wordpiece", "unigram")


CUTS = [
    _Cut(
        "annoyingly",
        "A subword tokenizer cuts “annoyingly” into “annoying” and the ending “##ly”.",
        "annoyingly",
        (("annoying", "ly"),),
        _subword,
    ),
    _Cut(
        "unbelievable",
        "Subwords cut “unbelievable” into “un”, “believ” and “able”, along its meaning.",
        "unbelievable",
        (("un", "believ", "able"),),
        _subword,
    ),
    _Cut(
        "machine-learning",
        "“机器学习” becomes two words, or four characters.",
        "机器学习",
        (("机器", "学习"), ("机", "器", "学", "习")),
    ),
    _Cut(
        "love-nlp",
        "“I love NLP” is three tokens, with the ids 101, 202 and 303.",
        "I love NLP",
        (("I", "love", "NLP"),),
        ids=(101, 202, 303),
    ),
    _Cut("apple", "“ap” and “ple” become the one piece “apple”.", "apple", (("apple",),), _subword),
    _Cut(
        "chat",
        "Cut into characters, “chat” is c, h, a, t.",
        "chat",
        (("c", "h", "a", "t"),),
        lambda tokenizer: tokenizer.card.algorithm == "character",
    ),
]
SCRIPTS = "Grüße, мир, 世界, 🌍, \u0928\u092e\u0938\u094d\u0924\u0947, \u0000 \ufffd"


def run(params: Params, shelf: Shelf) -> Result:
    """Try every claim."""
    tokenizers = [shelf.open(id) for id in params.tokenizers]
    made: dict[str, Callable[[], Claim]] = {item.slug: _tried(item, tokenizers) for item in CUTS}
    made["every-language"] = lambda: _every_language(tokenizers)
    made["longer-sequence"] = lambda: _longer(tokenizers)
    made["merge-choice"] = _merge_choice
    made["gpt-sentencepiece"] = lambda: _gpt_spelling(tokenizers)
    made["tensor-rank"] = _tensor_rank
    wanted = params.claims or list(made)
    return Result(claims=[made[slug]() for slug in wanted if slug in made])


def _tried(item: _Cut, tokenizers: Sequence[Tokenizer]) -> Callable[[], Claim]:
    def claim() -> Claim:
        cases = []
        for tokenizer in filter(item.who, tokenizers):
            cut = tokenizer.cut(item.text, special=False)
            found = [piece.text.strip() for piece in pieces(cut) if piece.ids]
            alone = cut.first.all() and not cut.unknown.any()
            agrees = bool(alone) and tuple(found) in item.expected
            remark = ""
            if agrees and item.ids and tuple(cut.ids.tolist()) != item.ids:
                agrees, remark = (
                    False,
                    "The pieces are these, the ids are others: every vocabulary has its own numbers.",
                )
            elif cut.unknown.any():
                remark = "Unknown to this vocabulary."
            elif not alone:
                remark = "Several tokens share one character."
            cases.append(
                Case(tokenizer=tokenizer.card.id, pieces=found, ids=cut.ids.tolist(), holds=agrees, remark=remark)
            )
        expected = [list(way) for way in item.expected]
        return _claim(item.slug, item.statement, item.text, expected, cases)

    return claim


def _every_language(tokenizers: Sequence[Tokenizer]) -> Claim:
    cases = []
    for tokenizer in tokenizers:
        cut = tokenizer.cut(SCRIPTS, special=False)
        covered = int((cut.byte_ends - cut.byte_starts)[cut.first].sum()) > 0
        whole = tokenizer.card.byte_level or tokenizer.card.algorithm == "character"
        lost = int(cut.unknown.sum())
        cases.append(
            Case(
                tokenizer=tokenizer.card.id,
                pieces=[piece.text for piece in pieces(cut) if piece.ids],
                ids=cut.ids.tolist(),
                holds=covered and lost == 0 and whole,
                remark="{n} unknown" if lost else "",
                values={"n": lost},
            )
        )
    cases = [case for case, tokenizer in zip(cases, tokenizers, strict=True) if tokenizer.card.byte_level]
    statement = (
        "A byte-level tokenizer can write every language and every character, without a vocabulary prepared for it."
    )
    return _claim("every-language", statement, SCRIPTS, [], cases)


def _longer(tokenizers: Sequence[Tokenizer]) -> Claim:
    text = "The miller's cat sleeps. 磨坊里的猫在睡觉。"
    lengths = {tokenizer.card.id: len(tokenizer.cut(text, special=False).ids) for tokenizer in tokenizers}
    characters = lengths.get("character", len(text))
    cases = [
        Case(
            tokenizer=tokenizer.card.id,
            pieces=[],
            ids=[],
            holds=lengths[tokenizer.card.id] < characters,
            remark="{tokens} tokens, {characters} characters",
            values={"tokens": lengths[tokenizer.card.id], "characters": characters},
        )
        for tokenizer in tokenizers
        if _subword(tokenizer)
    ]
    statement = "Cut into characters a text is longer than cut into subwords."
    return _claim("longer-sequence", statement, text, [], cases)


def _merge_choice() -> Claim:
    counted = words.count(CORPUS)
    merged, scored = bpe.learn(counted, 2), wordpiece.learn(counted, 2, marked=False)
    one = [merged.symbols[step.product] for step in merged.merges]
    other = [scored.symbols[step.product] for step in scored.steps]
    statement = "BPE merges the pair that occurs most often; WordPiece the pair that raises the text's likelihood most."
    cases = [
        Case(tokenizer="bpe", pieces=one, ids=[], holds=one != other, remark="the first two merges by count"),
        Case(tokenizer="wordpiece", pieces=other, ids=[], holds=one != other, remark="the first two merges by score"),
    ]
    return _claim("merge-choice", statement, CORPUS, [], cases)


def _gpt_spelling(tokenizers: Sequence[Tokenizer]) -> Claim:
    cases = []
    for tokenizer in tokenizers:
        if tokenizer.card.algorithm == "bpe" and tokenizer.card.byte_level:
            spelling = [piece for piece in tokenizer.vocabulary().spelling if piece]
            theirs, ours = (sum(piece.startswith(mark) for piece in spelling) for mark in ("\u2581", "\u0120"))
            told = "{theirs} pieces begin with SentencePiece's ▁, {ours} with the Ġ of byte-level BPE"
            values = {"theirs": theirs, "ours": ours}
            case = Case(tokenizer=tokenizer.card.id, pieces=[], ids=[], holds=theirs > ours, remark=told, values=values)
            cases.append(case)
    statement = "The tokenizer of the GPT family is SentencePiece."
    return _claim("gpt-sentencepiece", statement, "", [], cases)


def _tensor_rank() -> Claim:
    cases = []
    for what, shape in (("number", ()), ("vector", (3,)), ("matrix", (2, 3)), ("cube", (2, 3, 4))):
        array = np.zeros(shape)
        told, values = "{n} dimensions, {numbers} numbers", {"n": array.ndim, "numbers": array.size}
        cases.append(Case(tokenizer=what, pieces=[], ids=[], holds=array.ndim >= 3, remark=told, values=values))
    statement = "A tensor has three dimensions or more."
    return _claim("tensor-rank", statement, "", [], cases).model_copy(update={"verdict": "fails"})


def _claim(slug: str, statement: str, text: str, expected: list[list[str]], cases: list[Case]) -> Claim:
    yes = sum(case.holds for case in cases)
    verdict: Verdict = "holds" if cases and yes == len(cases) else "fails" if yes == 0 and cases else "depends"
    because = f"{yes} of {len(cases)} do what the note says."
    if not cases:
        because = "None of the chosen tokenizers is of the kind that the claim speaks of."
    return Claim(
        slug=slug, statement=statement, text=text, expected=expected, verdict=verdict, because=because, cases=cases
    )


exhibit = Exhibit(
    title="The notes' own examples",
    summary="Claims about tokenizers, tried on real ones: holds, fails or depends.",
    run=run,
)
