"""The language tax is relative to the first language."""

from playground.domain.tokenization.starter import Starters
from playground.exhibits.tokens.languages import PARALLEL, Language, Params, run


def test_bytes_cost_what_utf8_costs() -> None:
    (table,) = run(Params(tokenizers=["byte"]), Starters()).tables
    for language, row in zip(PARALLEL, table.rows, strict=True):
        assert row.tokens == row.bytes == len(language.text.encode())
        assert row.tax == round(row.bytes / table.rows[0].bytes, 3)


def test_an_english_vocabulary_taxes_other_scripts() -> None:
    (table,) = run(Params(tokenizers=["bpe-en"]), Starters()).tables
    tax = {row.tag: row.tax or 0 for row in table.rows}
    assert tax["en"] == 1.0
    assert tax["zh"] > 1.5
    assert tax["ru"] > 3


def test_own_sentences() -> None:
    given = [Language(tag="en", text="cat"), Language(tag="zh", text="猫")]
    (table,) = run(Params(tokenizers=["character"], languages=given), Starters()).tables
    assert [row.tokens for row in table.rows] == [3, 1]
