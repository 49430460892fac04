"""A packed batch computes, for each of its examples, what a batch of that example alone does."""

from dataclasses import replace

import pytest
import torch
from tokenizers import Tokenizer

from playground.domain.kind import Data
from playground.domain.special import special_ids
from playground.domain.tokenization import starter
from playground.jobs.clm import Params as Clm
from playground.jobs.lora_sft import Params, kind
from tests.workers.engine.instructed import rows
from workers.engine import adapters, models
from workers.engine.batches import tensors
from workers.engine.objectives import OBJECTIVES

ID = "00000000-0000-4000-8000-000000000000"
CPU = torch.device("cpu")


@pytest.mark.parametrize("shape", [{}, {"architecture": "gpt2"}, {"n_kv_head": 1}], ids=str)
@pytest.mark.parametrize("training", [True, False])
def test_each_example_is_computed_as_if_alone(shape: dict[str, object], training: bool) -> None:
    tokenizer = Tokenizer.from_file(str(starter.FOLDER / "bpe-en.json"))
    given = Params(corpus=ID, model=ID, template="plain", block_size=96, batch_size=3)
    arrays = kind.encode(rows(40).splitlines(), 1, tokenizer, given)
    data = Data(arrays.pop("tokens"), tokenizer.get_vocab_size(), special_ids(tokenizer), arrays)
    packed = kind.batch(kind.arrange(data, given), given, "train", 1, 0)
    assert packed is not None
    assert packed.documents is not None
    assert packed.documents.max() >= 2
    made = Clm.model_validate({"corpus": ID, "preset": None, "n_layer": 2, "n_head": 2, "d_model": 32, **shape})
    network = models.build(made.shape(tokenizer.get_vocab_size()), 0.0, 0, 1, CPU)
    adapters.attach(network, given, "base")
    for name, weight in network.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)  # a fresh adapter changes nothing
    network.train(training)
    together = models.hidden_states(network, tensors(packed, CPU), causal=True) @ network.lm_head.weight.T
    loss, count = 0.0, 0
    for row, documents in enumerate(packed.documents):
        for number in range(documents.max() + 1):
            here = documents == number
            alone = replace(
                packed,
                inputs=packed.inputs[row : row + 1, here],
                labels=packed.labels[row : row + 1, here],
                documents=None,
                positions=None,
            )
            logits = models.hidden_states(network, tensors(alone, CPU), causal=True) @ network.lm_head.weight.T
            torch.testing.assert_close(together[row, here], logits[0], atol=2e-5, rtol=0)
            learned = tensors(alone, CPU).learned
            loss += OBJECTIVES["next_token"](network, tensors(alone, CPU)).item() * learned
            count += learned
    assert OBJECTIVES["next_token"](network, tensors(packed, CPU)).item() == pytest.approx(loss / count, abs=2e-5)
