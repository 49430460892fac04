"""BPE beside WordPiece: the first step where they part, and the scores."""

from playground.exhibits.tokens.wordpiece import Params, run


def test_they_part_at_the_first_step_of_the_lesson() -> None:
    result = run(Params())
    assert result.parts_at == 0
    assert [step.product for step in result.bpe[:2]] == ["st", "est"]
    assert [step.product for step in result.wordpiece[:2]] == ["翻译", "深度"]


def test_scores_are_the_quotient() -> None:
    for step in run(Params()).wordpiece:
        pair = step.chosen
        assert pair.left_count is not None
        assert pair.right_count is not None
        assert pair.score == pair.count / (pair.left_count * pair.right_count)
        assert all((rival.score or 0) <= pair.score for rival in step.rivals)


def test_they_never_part_where_there_is_no_choice() -> None:
    assert run(Params(text="ab ab")).parts_at is None


def test_words_are_cut_into_what_was_learned() -> None:
    result = run(Params(text="abab abab cc", merges=5, marked=True))
    assert ["".join(parts).replace("##", "") for parts in result.wordpiece_words] == ["abab", "cc"]
    assert ["".join(parts) for parts in result.bpe_words] == ["abab", "cc"]
