"""The engine's own mathematics against the libraries': the chunked loss, attention, bf16 with a master copy."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from playground.domain.estimate import Precision
from playground.domain.kind import Batch
from playground.domain.training import Training
from playground.jobs.clm import Params
from tests.workers.engine.attempts import TINY
from workers.engine import models
from workers.engine.attention import attend, fused
from workers.engine.batches import IGNORED, Tensors, tensors
from workers.engine.lean import lean
from workers.engine.objectives import ChunkedCrossEntropy, next_token
from workers.engine.precision import Learner


def gradients(loss: Tensor, *wrt: Tensor) -> tuple[Tensor, ...]:
    """d loss / d tensor for each."""
    return torch.autograd.grad(loss, wrt)


@pytest.mark.parametrize("rows", [5, 1024, 2500])
def test_the_chunked_loss_is_the_cross_entropy(rows: int) -> None:
    torch.manual_seed(0)
    hidden, weight = torch.randn(rows, 12, requires_grad=True), torch.randn(30, 12, requires_grad=True)
    labels = torch.randint(0, 30, (rows,))
    labels[::3] = IGNORED
    ours = ChunkedCrossEntropy.apply(hidden, weight, labels, True)
    theirs = functional.cross_entropy(hidden @ weight.t(), labels, ignore_index=IGNORED)
    torch.testing.assert_close(ours, theirs)
    for own, their in zip(gradients(ours, hidden, weight), gradients(theirs, hidden, weight), strict=True):
        torch.testing.assert_close(own, their)


def test_no_label_at_all_is_no_loss() -> None:
    hidden, weight = torch.randn(4, 3, requires_grad=True), torch.randn(7, 3, requires_grad=True)
    loss = ChunkedCrossEntropy.apply(hidden, weight, torch.full((4,), IGNORED), True)
    assert loss.item() == 0
    assert not gradients(loss, hidden)[0].any()


@pytest.mark.parametrize(("queries", "keys", "kv_heads"), [(6, 6, 4), (6, 6, 2), (1, 6, 1), (2, 6, 4)])
def test_attention_is_causal_attention(queries: int, keys: int, kv_heads: int) -> None:
    torch.manual_seed(0)
    query = torch.randn(2, 4, queries, 8, requires_grad=True)
    key, value = torch.randn(2, kv_heads, keys, 8, requires_grad=True), torch.randn(2, kv_heads, keys, 8)
    ours, _ = attend(torch.nn.Identity(), query, key, value)
    mask = torch.ones(queries, keys, dtype=torch.bool).tril(keys - queries)
    theirs = functional.scaled_dot_product_attention(query, key, value, mask, enable_gqa=True).transpose(1, 2)
    on_gpu = fused(query, key, value, None, None, 0.0, causal=True)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(on_gpu, theirs)
    expected = gradients(theirs.sum(), query, key)
    for found in (ours, on_gpu):
        for own, their in zip(gradients(found.sum(), query, key), expected, strict=True):
            torch.testing.assert_close(own, their)


def batch(ids: Tensor, labels: Tensor) -> Tensors:
    """A batch of nothing but inputs and labels."""
    return tensors(Batch(ids.numpy(), labels.numpy()), ids.device)


def build(**given: Any) -> Any:
    """A tiny network."""
    params = Params(**{**TINY, **given})
    return models.build(params.shape(), params.dropout, 0, 1, torch.device("cpu"))


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_the_objective_is_what_transformers_computes(architecture: str) -> None:
    model = build(architecture=architecture).eval()
    ids = torch.randint(0, 320, (3, 16))
    labels = torch.randint(0, 320, (3, 16))
    model.set_attn_implementation("eager")
    logits = model(ids).logits
    expected = functional.cross_entropy(logits.flatten(0, 1), labels.flatten())
    model.set_attn_implementation("vitrine")
    torch.testing.assert_close(next_token(model, batch(ids, labels)), expected)


def test_a_network_is_a_pure_function_of_its_seed() -> None:
    for ours, theirs in zip(build().parameters(), build().parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_fp32_training_is_plain_adamw() -> None:
    settings = Training(clip=0.5, weight_decay=0.1)
    ours, theirs = build(), build()
    learner = Learner(ours, settings, "fp32")
    lean(theirs)  # Adam makes large steps of the smallest differences
    matrices = [weight for weight in theirs.parameters() if weight.ndim >= 2]
    vectors = [weight for weight in theirs.parameters() if weight.ndim < 2]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=0.01, betas=(settings.beta1, settings.beta2))
    for _ in range(3):
        ids = torch.randint(0, 320, (2, 16))
        loss: Any = next_token(ours, batch(ids, ids))
        learner.backward(loss)
        learner.gradient_norm()
        learner.update(0.01)
        expected: Any = next_token(theirs, batch(ids, ids))
        expected.backward()
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), 0.5)
        optimizer.step()
        optimizer.zero_grad()
    for weight, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(weight, other)


def test_bf16_keeps_what_a_single_update_would_lose() -> None:
    model = build()
    learner = Learner(model, Training(weight_decay=0.0), "bf16")
    before = {name: weight.clone() for name, weight in learner.weights().items()}
    ids = torch.randint(0, 320, (2, 16))
    for _ in range(2):
        loss: Any = next_token(model, batch(ids, ids))
        learner.backward(loss)
        learner.update(1e-6)
    assert all(weight.dtype == torch.bfloat16 for weight in model.parameters())
    assert all(weight.dtype == torch.float32 for weight in learner.weights().values())
    assert all(not torch.equal(weight, before[name]) for name, weight in learner.weights().items())


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_gradient_checkpointing_changes_no_bit_of_a_gradient(architecture: str, precision: Precision) -> None:
    ids = torch.randint(0, 320, (2, 16))
    found = []
    for checkpointed in (False, True):
        model = build(architecture=architecture, n_layer=2, dropout=0.1)
        learner = Learner(model, Training(gradient_checkpointing=checkpointed), precision)
        torch.manual_seed(5)
        loss: Any = next_token(model.train(), batch(ids, ids))
        learner.backward(loss)
        found.append({name: gradient.clone() for name, gradient in learner.gradients().items()})
    plain, again = found
    assert plain.keys() == again.keys()
    assert all(torch.equal(plain[name], again[name]) for name in plain)
