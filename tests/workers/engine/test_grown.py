"""A model with one token more answers as one whose tables transformers has lengthened."""

from pathlib import Path

import numpy as np
import pytest
import torch

from playground.exhibits.tokens.grown import Params, run
from tests.workers.engine.attempts import Bench, artifacts
from workers.engine.language_model import TransformersModel

TEXT = "the cat sees the photographer and the photographer sees 小猫"


@pytest.mark.parametrize("params", [{"architecture": "llama", "tie": True}, {"architecture": "gpt2", "tie": True},
                                    {"architecture": "llama", "tie": False}])  # fmt: skip
@torch.no_grad()
def test_it_is_what_transformers_makes_of_a_longer_table(bench: Bench, params: dict[str, object]) -> None:
    folder = Path(artifacts(bench.run(block_size=64, **params))["model"].path)
    ours, theirs = TransformersModel(folder), TransformersModel(folder)
    new = ours.vocab_size
    inner, outer = (rows.mean(axis=0) for rows in ours.rows([5, 6, 7]))
    theirs.network.resize_token_embeddings(new + 1, mean_resizing=False)
    theirs.network.get_input_embeddings().weight[new] = torch.from_numpy(inner)
    theirs.network.get_output_embeddings().weight[new] = torch.from_numpy(outer)
    ids = [9, new, 10, 11, new, new, 12]
    expected = theirs.next_log_probabilities(ids)
    assert np.allclose(ours.grown_log_probabilities(ids, inner, outer), expected, atol=1e-5)
    plain = [token.id for token in ours.tokens("the cat")]
    old = ours.grown_log_probabilities(plain, inner, np.full_like(outer, -1e4))
    assert old.shape == (len(plain), new + 1)


def test_the_exhibit_reads_a_trained_model(bench: Bench) -> None:
    folder = Path(artifacts(bench.run(block_size=128, steps=30))["model"].path)
    result = run(Params(text=TEXT, word="photographer"), TransformersModel(folder))
    assert sum(token.new for token in result.after) == 2
    assert len(result.after) < len(result.before)
    assert result.bits_before > 0
    assert result.bits_after > 0
