"""With which weights a masked model begins: heads that look at their neighbours, and a head that knows frequencies."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from playground.domain.kind import Data
from playground.domain.messages import Finished
from playground.domain.presets import Shape
from playground.jobs.mlm import Params
from tests.workers.engine.attempts import CORPUS_ID, Bench, metrics
from workers.engine import models
from workers.engine.beginnings import LAYERS, OFFSETS, begin, turned, waves

SPECIAL = {"pad": 0, "unk": 1, "cls": 2, "sep": 3, "mask": 4}
VOCABULARY = 60


def corpus() -> Data:
    """Tokens of which some are frequent and some never occur."""
    dice = np.random.default_rng(0)
    return Data((5 + dice.geometric(0.2, 5_000).clip(max=40)).astype(np.uint16), VOCABULARY, SPECIAL)


def network(layers: int, heads: int, width: int, block: int, seed: int = 1) -> Any:
    """A BERT that has just begun."""
    shape = Shape("bert", layers, heads, heads, width, 2 * width, VOCABULARY, block, True, True)
    model = models.build(shape, 0.0, None, seed, torch.device("cpu"), 0)
    begin(model, corpus(), Params(corpus=CORPUS_ID, block_size=block, seed=seed))
    return model.eval()


def attention(model: Any, ids: Tensor) -> list[Tensor]:
    """(batch, heads, block, block) of each layer."""
    model.set_attn_implementation("eager")
    with torch.no_grad():
        found: list[Tensor] = list(model.bert(input_ids=ids, output_attentions=True).attentions)
    return found


@pytest.mark.parametrize(("heads", "width", "block"), [(4, 128, 128), (2, 64, 32), (5, 320, 64), (12, 768, 128)])
def test_each_head_begins_by_looking_at_its_neighbour(heads: int, width: int, block: int) -> None:
    model = network(LAYERS + 1, heads, width, block)
    ids = torch.from_numpy(corpus().tokens[: 2 * block].astype(np.int64)).view(2, block)
    ids[:, ::7] = SPECIAL["mask"]
    *first, last = attention(model, ids)
    for layer, weights in enumerate(first):
        for head in range(heads):
            share = float(weights[:, head].diagonal(OFFSETS[head % len(OFFSETS)], 1, 2).mean())
            assert (0.1 if layer else 0.5) < share < 0.998, "more would leave nothing to learn"
    assert last.max() < 0.2, "the layers after them begin as ever"


@pytest.mark.parametrize(("heads", "width"), [(1, 8), (2, 16), (4, 8), (1, 64)])
def test_a_network_of_any_shape_begins(heads: int, width: int) -> None:
    model = network(1, heads, width, 16)
    assert all(torch.isfinite(weight).all() for weight in model.parameters())
    assert model(input_ids=torch.full((1, 16), 7)).prediction_logits.shape == (1, 16, VOCABULARY)


def test_the_head_begins_with_the_frequencies() -> None:
    model, data = network(2, 2, 64, 32), corpus()
    bias = model.cls.predictions.decoder.bias
    counts = np.bincount(data.tokens[: round(0.9 * len(data.tokens))], minlength=VOCABULARY)
    often = counts > 20
    found = torch.softmax(bias, dim=-1).detach().numpy()
    assert found[often] == pytest.approx(counts[often] / counts.sum(), rel=0.01)
    assert 0 < found[counts == 0].max() < 1e-3
    assert model.cls.predictions.bias is bias


def test_weights_are_a_function_of_the_seed() -> None:
    first, same, other = (dict(network(2, 2, 64, 32, seed).named_parameters()) for seed in (1, 1, 2))
    assert all(torch.equal(first[name], same[name]) for name in first)
    for name in ("bert.embeddings.word_embeddings.weight", "bert.encoder.layer.0.attention.self.value.weight"):
        assert not torch.equal(first[name], other[name])


@pytest.mark.parametrize("offset", [-3, -1, 0, 2])
def test_waves_turn_by_the_offset(offset: int) -> None:
    found = waves(torch.arange(20), 8, 20) @ turned(8, 20, offset).T
    torch.testing.assert_close(found, waves(torch.arange(20) - offset, 8, 20), rtol=0, atol=1e-5)


@pytest.mark.slow
def test_a_small_model_reads_the_context_within_a_few_hundred_steps(bench: Bench) -> None:
    """Every other word of this text follows from the one before it, and no word is more frequent than its like."""
    dice = np.random.default_rng(0)
    names = [f"{one}{two}" for one in "bdfgklmnprst" for two in "aeo"]
    partner = dice.permutation(len(names))
    pairs = dice.integers(0, len(names), 20_000)
    bench.corpus.write_text("\n".join(f"{names[i]} {names[partner[i]].upper()}" for i in pairs) + "\n")
    bench.inputs = {"corpus": bench.file(bench.corpus)}
    size = {"n_layer": 2, "n_head": 4, "d_model": 64, "vocab_size": 258, "block_size": 32, "batch_size": 32}
    said = bench.run(kind="mlm", **size, steps=200, learning_rate=2e-3, warmup_steps=20, eval_interval=200)
    assert said[-1] == Finished(outcome="done")
    assert metrics(said)["val_accuracy"][200] > 0.5
