"""The notes' claims: verdicts follow from the cases, and other tokenizers give other verdicts."""

import pytest

from playground.domain.tokenization.starter import Starters, names
from playground.exhibits.tokens.examples import Claim, Params, run


def claims(*tokenizers: str) -> dict[str, Claim]:
    return {claim.slug: claim for claim in run(Params(tokenizers=list(tokenizers)), Starters()).claims}


def test_the_default_verdicts() -> None:
    found = claims(*Params().tokenizers)
    verdicts = {slug: claim.verdict for slug, claim in found.items()}
    assert verdicts["chat"] == verdicts["every-language"] == verdicts["merge-choice"] == "holds"
    assert verdicts["love-nlp"] == verdicts["gpt-sentencepiece"] == verdicts["tensor-rank"] == "fails"
    assert verdicts["machine-learning"] == "depends"


def test_the_verdict_depends_on_who_is_asked() -> None:
    assert claims("character")["machine-learning"].verdict == "holds"
    assert claims("byte")["machine-learning"].verdict == "fails"


def test_a_claim_about_nobody_says_so() -> None:
    found = claims("byte")["annoyingly"]
    assert (found.cases, found.verdict) == ([], "depends")


def test_one_claim_alone() -> None:
    assert [claim.slug for claim in run(Params(claims=["chat", "no such"]), Starters()).claims] == ["chat"]


@pytest.mark.parametrize("name", [name for name in names() if name == "minilm"])
def test_berts_vocabulary_cuts_annoyingly_as_the_note_says(name: str) -> None:
    assert claims(name)["annoyingly"].verdict == "holds"
