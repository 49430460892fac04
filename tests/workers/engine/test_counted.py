"""What an estimate counts for a pass, against what the engine computes for a batch that the kind itself has made."""

from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from playground.domain.estimate import GRANULE
from playground.domain.instructions.cost import operations
from playground.domain.kind import Batch, Data
from playground.domain.pace import load_of, logits, scores
from playground.domain.presets import Shape
from playground.domain.registry import kinds
from playground.domain.special import special_ids
from tests.jobs.test_lora_sft import ID, LINES
from workers.engine import adapters, bases, models, tokenizer
from workers.engine.batches import IGNORED, tensors
from workers.engine.objectives import OBJECTIVES
from workers.engine.precision import Learner

DEVICE = torch.device("cpu")
ROWS, BLOCK, VOCABULARY = 4, 256, 2048
PRODUCTS, ATTENTION = ("mm", "addmm"), ("bmm", "baddbmm")


def computed(kind: str, model: Any, batch: Batch, params: Any) -> tuple[int, int]:
    """Operations of a pass, in products with weights and in those of attention."""
    learner = Learner(model.train(), params, "fp32")
    counter: Any = FlopCounterMode(display=False)
    with counter:
        OBJECTIVES[kinds()[kind].objective](learner.model, tensors(batch, DEVICE)).backward()
    found = {operator.__name__.partition(".")[0]: flops for operator, flops in counter.flop_counts["Global"].items()}
    assert set(found) <= {*PRODUCTS, *ATTENTION}
    return sum(found.get(name, 0) for name in PRODUCTS), sum(found.get(name, 0) for name in ATTENTION)


def filled(name: str, **given: Any) -> Any:
    """Parameters of a kind."""
    return kinds()[name].Params.model_validate({"corpus": ID, **given})


def asked(batch: Batch, *, filled: bool) -> float:
    """Share of the positions that go through the output layer: those with a label, filled up to whole granules."""
    learned = int((batch.labels != IGNORED).sum())
    return (-(-learned // GRANULE) * GRANULE if filled else learned) / batch.labels.size


def data(kind: Any, params: Any) -> tuple[Data, int]:
    """Examples, or a text, as the engine prepares them, and the size of the vocabulary."""
    pieces = LINES if kind.reads == "lines" else ["the owl sees a small fox near the old mill\n" * 400]
    made = tokenizer.ALGORITHMS[kind.tokenizer or "bpe"](iter(pieces), 512)
    arrays = kind.encode(pieces, 1, made, params)
    tokens, size = arrays.pop("tokens"), made.get_vocab_size()
    return kind.arrange(Data(tokens, size, special_ids(made), arrays), params), size


@pytest.mark.parametrize("name", ["sft", "lora_sft"])
@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_a_pass_on_instructions(name: str, architecture: Any) -> None:
    """Every position is compared with every other, as packing hides by a mask; the output layer sees answers alone."""
    kind = kinds()[name]
    params = filled(name, model=ID, template="plain", block_size=BLOCK, batch_size=ROWS)
    made, _ = data(kind, params)
    batch = kind.batch(made, params, "train", 1, 0)
    assert batch is not None
    assert batch.inputs.shape == (ROWS, BLOCK)
    base = filled("clm", preset="1m", block_size=BLOCK, architecture=architecture)
    shape = base.shape(VOCABULARY)
    model = models.build(shape, 0.0, None, 0, DEVICE)
    about, trained = bases.describe(model), 0
    if name == "lora_sft":
        adapters.attach(model, params, "base")
        trained = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    products, attention = computed(name, model, batch, params)
    share = asked(batch, filled=True)
    each = operations(about, trained, adapter=name == "lora_sft", asked=share)
    assert products == pytest.approx(each * batch.inputs.size, rel=0.05)
    compared = scores(ROWS, BLOCK, about["heads"], about["layers"], causal=False)
    assert attention == pytest.approx(compared * 12 * shape.d_head, rel=0.05)
    none = operations(about, trained, adapter=name == "lora_sft", asked=0)
    assert products > 1.03 * none * batch.inputs.size


@pytest.mark.parametrize("given", [{}, {"block_size": 320, "batch_size": 2}, {"architecture": "gpt2"}], ids=str)
@pytest.mark.parametrize("name", ["clm", "mlm"])
def test_a_pass_on_a_text(name: str, given: dict[str, Any]) -> None:
    """A causal network leaves out stripes of what comes later, a masked one the output layer where nothing is asked."""
    kind = kinds()[name]
    known = {key: value for key, value in given.items() if key in kind.Params.model_fields}
    params = filled(name, **{"preset": "1m", "block_size": 128, "batch_size": 4, **known})
    made, size = data(kind, params)
    batch = kind.batch(made, params, "train", 1, 0)
    assert batch is not None
    shape = params.shape(size)
    products, attention = computed(name, models.build(shape, 0.0, None, 0, DEVICE, 0), batch, params)
    share = asked(batch, filled=name == "mlm")
    load = load_of(shape, params.batch_size, share)
    compared = load.scores - logits(share * batch.inputs.size, shape.vocab_size)
    assert products == pytest.approx(load.operations, rel=0.05)
    assert attention == pytest.approx(compared * 12 * shape.d_head, rel=0.05)
    if name == "clm" and params.block_size > 128:
        assert compared < scores_of(params, shape)


def scores_of(params: Any, shape: Shape) -> float:
    """Pairs without a causal mask."""
    return scores(params.batch_size, params.block_size, shape.n_head, shape.n_layer, causal=False)
