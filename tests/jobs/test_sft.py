"""The job kind `sft`: the form and the data of `lora_sft`, and the cost of training every weight."""

import pytest
from pydantic import ValidationError

from playground.domain.kind import Facts
from playground.jobs import lora_sft
from playground.jobs.sft import Params, kind

ID = "00000000-0000-4000-8000-000000000000"
MODEL = {"parameters": 1_000_000, "context": 256, "layers": 4, "width": 128, "heads": 4, "vocab_size": 2048}
FACTS = Facts(corpus_bytes=90_000, corpus_characters=90_000, model=MODEL)


def test_it_has_no_adapter_and_a_lower_rate() -> None:
    filled = Params(corpus=ID, model=ID)
    assert filled.learning_rate < lora_sft.Params(corpus=ID, model=ID).learning_rate
    with pytest.raises(ValidationError):
        Params.model_validate({"corpus": ID, "model": ID, "rank": 8})
    assert kind.trains == "all"
    assert kind.tokenizer is None
    assert kind.inputs(filled) == {"model": ID, "corpus": ID}


def test_its_data_are_those_of_the_adapter() -> None:
    other = lora_sft.kind
    assert (kind.encode, kind.arrange, kind.batch, kind.reads) == (other.encode, other.arrange, other.batch, "lines")
    filled = Params(corpus=ID, model=ID, template="plain")
    assert kind.spoken(filled, "Hi") == "Hi\n"
    assert kind.encoding(filled) == {"template": "plain", "rows": "auto"}


def test_all_weights_cost_their_optimizer_and_six_operations() -> None:
    found = kind.estimate(Params(corpus=ID, model=ID, steps=10), FACTS)
    assert found.trained == found.parameters == 1_000_000
    assert found.memory.optimizer == 8_000_000
    assert found.flops == 6.0 * (1_000_000 - 2048 * 128 / 2) * found.tokens_per_step * 10
    assert found.fits


def test_a_masked_model_or_an_adapter_is_no_base() -> None:
    for about in ({"adapter": True}, {"architecture": "bert"}):
        facts = FACTS.model_copy(update={"model": {**MODEL, **about}})
        assert [problem.field for problem in kind.estimate(Params(corpus=ID, model=ID), facts).problems] == ["model"]
