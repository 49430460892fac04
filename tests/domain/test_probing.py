"""The arithmetic of probes: schedule, codes, and a view of words that does not jump."""

import numpy as np
import pytest
from pydantic import ValidationError

from playground.domain.probing import coded, decoded, points, remaining, scheduled
from playground.domain.registry import kinds

CORPUS = "00000000-0000-4000-8000-000000000000"


def test_the_schedule_grows_by_the_square_root_of_two() -> None:
    steps = [1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, 91, 128, 181]
    assert [step for step in range(1, 200) if scheduled(step)] == steps
    assert remaining(1, 10_000_000) < 50  # so that full records of the longest run stay below the limit of a job


@pytest.mark.parametrize("step", [1, 2, 5, 16, 17, 100])
@pytest.mark.parametrize("last", [1, 2, 16, 90, 91, 92, 500])
def test_what_remains_is_counted_exactly(step: int, last: int) -> None:
    assert remaining(step, last) == sum(scheduled(at) for at in range(step, last))


def test_a_byte_is_off_by_no_more_than_it_says() -> None:
    weights = np.linspace(0, 1, 100_001, dtype=np.float32)
    wrong = np.abs(decoded(coded(weights)) - weights)
    assert (wrong <= (2 * np.sqrt(weights) + 1 / 510) / 510 + 1e-6).all()
    assert wrong.max() < 0.004
    assert wrong[weights < 0.01].max() < 0.0005


def test_the_view_keeps_distances_of_the_newest_step_and_turns_with_nothing() -> None:
    generator = np.random.default_rng(0)
    flat = generator.standard_normal((1, 6, 2)).astype(np.float32)
    plane = np.linalg.qr(generator.standard_normal((32, 2)))[0].T.astype(np.float32)
    steps = np.concatenate([flat * scale for scale in (0.1, 0.5, 1.0)]) @ plane
    seen = points(steps)
    centred = flat[0] - flat[0].mean(0)
    np.testing.assert_allclose(np.linalg.norm(seen[2], axis=1), np.linalg.norm(centred, axis=1), rtol=1e-4)
    np.testing.assert_allclose(seen[0] * 10, seen[2], atol=1e-4)


def test_a_view_does_not_jump_when_a_step_is_added() -> None:
    generator = np.random.default_rng(1)
    start, drift = (generator.standard_normal((8, 32)) for _ in range(2))
    steps = np.stack([start + 0.02 * index * drift for index in range(30)]).astype(np.float32)
    for count in range(2, 30):
        before, after = points(steps[: count - 1]), points(steps[:count])[: count - 1]
        assert np.abs(after - before).max() < 0.25 * np.abs(before).max()


@pytest.mark.parametrize("wrong", [["a"] * 9, ["x" * 501], ["a", " a"], [""], ["  "], "a sentence", [1]], ids=range(7))
def test_sentences_that_cannot_be_pinned_are_refused(wrong: object) -> None:
    with pytest.raises(ValidationError):
        kinds()["clm"].Params.model_validate({"corpus": CORPUS, "probes": wrong})


def test_sentences_are_pinned_without_the_space_around_them() -> None:
    params = kinds()["clm"].Params.model_validate({"corpus": CORPUS, "probes": [" the cat "], "probe_words": ["cat"]})
    assert params.model_dump()["probes"] == ["the cat"]
