"""Padding makes rows equally long and wastes what it says."""

import pytest

from playground.domain.tokenization.starter import Starters
from playground.exhibits.tokens.padding import Params, Result, run


def pad(**params: object) -> Result:
    return run(Params.model_validate(params), Starters())


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("multiple", [1, 8])
def test_all_rows_of_a_batch_are_equally_long(side: str, multiple: int) -> None:
    result = pad(side=side, multiple=multiple, batch=2)
    for batch in result.batches:
        assert batch.length % multiple == 0
        for row in batch.rows:
            assert row.before + len(row.ids) + row.after == batch.length
            assert (row.before, row.after)[side == "left"] == 0
    assert result.padding == sum(row.before + row.after for batch in result.batches for row in batch.rows)


def test_sorting_by_length_wastes_less() -> None:
    assert pad(batch=2, sort=True).padding <= pad(batch=2).padding


def test_what_is_cut_off_is_counted() -> None:
    result = pad(sentences=["abcdef"], tokenizer="character", limit=4)
    assert (result.batches[0].rows[0].lost, result.padding) == (2, 0)


def test_shapes_have_every_rank() -> None:
    shapes = pad().shapes
    assert [shape.rank for shape in shapes] == [0, 1, 2, 3, 4]
    assert shapes[0].numbers == 1
    assert shapes[2].numbers == pad().cells
