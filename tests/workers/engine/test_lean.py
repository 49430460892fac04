"""The leaner layers against transformers' own: equal outputs and equal gradients, with the same weights by name."""

from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM

from workers.engine.batches import visible
from workers.engine.lean import LEAN, SigmoidGELU, lean

SMALL: dict[str, Any] = {"vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
BLOCK = 150
"""More than one stripe of queries."""
CONFIGS: dict[str, dict[str, Any]] = {
    "llama": {**SMALL, "intermediate_size": 48, "num_key_value_heads": 2},
    "qwen2": {**SMALL, "intermediate_size": 48, "num_key_value_heads": 2},
    "qwen3": {**SMALL, "intermediate_size": 48, "num_key_value_heads": 4, "head_dim": 8},
    "mistral": {**SMALL, "intermediate_size": 48, "num_key_value_heads": 4, "sliding_window": None},
    "gpt2": {"vocab_size": 64, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": BLOCK},
    "bert": {**SMALL, "intermediate_size": 48, "max_position_embeddings": BLOCK},
}
DROPOUTS = ("resid_pdrop", "embd_pdrop", "attn_pdrop", "hidden_dropout_prob", "attention_probs_dropout_prob")


def network(name: str) -> Any:
    """A small network without dropout, whose normalizations have weights that are not all one."""
    config = AutoConfig.for_model(name, **CONFIGS[name])
    for dropout in DROPOUTS:
        if hasattr(config, dropout):
            setattr(config, dropout, 0.0)
    torch.manual_seed(1)
    factory: Any = AutoModelForMaskedLM if name == "bert" else AutoModelForCausalLM
    model = factory.from_config(config, attn_implementation="eager").train()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5).add_(torch.randn_like(parameter) * 0.05)
    return model


def passes(model: Any, mask: Tensor | None) -> tuple[Tensor, dict[str, Tensor]]:
    """Logits of fixed tokens, and the gradient of each parameter for a fixed mixture of them."""
    dice = torch.Generator().manual_seed(2)
    ids = torch.randint(64, (3, BLOCK), generator=dice)
    given = {} if mask is None else {"attention_mask": mask.to(model.dtype)}
    logits = model(input_ids=ids, **given).logits
    weights = torch.randn(logits.shape, generator=dice).to(model.dtype)
    model.zero_grad()
    (logits * weights).sum().backward()
    return logits.detach(), {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", CONFIGS)
def test_lean_layers_compute_what_transformers_computes(name: str, packed: bool) -> None:
    model = network(name)
    names = [name for name, _ in model.named_parameters()]
    mask = None
    if packed:
        documents = torch.tensor([[0] * 40 + [1] * 60 + [2] * 30 + [-1] * 20] * 3)
        mask = visible(documents, torch.float32, causal=name != "bert")
    logits, gradients = passes(model, mask)
    lean(model)
    assert any(type(module) in LEAN.values() for module in model.modules())
    assert [name for name, _ in model.named_parameters()] == names
    ours, own = passes(model, mask)
    torch.testing.assert_close(ours, logits, rtol=1e-5, atol=1e-5)
    assert own.keys() == gradients.keys()
    for parameter, gradient in gradients.items():
        torch.testing.assert_close(own[parameter], gradient, rtol=1e-4, atol=1e-6 + 2e-5 * float(gradient.abs().max()))


@pytest.mark.parametrize("name", ["llama", "gpt2", "bert"])
def test_in_bf16_they_are_about_as_near_to_fp32_as_transformers_is(name: str) -> None:
    _, exact = passes(network(name), None)
    _, theirs = passes(network(name).bfloat16(), None)
    model = network(name).bfloat16()
    lean(model)
    _, ours = passes(model, None)

    def distance(found: dict[str, Tensor]) -> float:
        return sum(float((found[name].float() - exact[name]).norm() / (exact[name].norm() + 1e-6)) for name in exact)

    assert distance(ours) <= 1.5 * distance(theirs)


def test_generation_with_cached_keys_is_the_same() -> None:
    model = network("llama").eval()
    ids = torch.tensor([[1, 2, 3]])
    wanted = model.generate(ids, max_new_tokens=8, do_sample=False)
    lean(model)
    assert torch.equal(model.generate(ids, max_new_tokens=8, do_sample=False), wanted)


def test_gelu_by_a_sigmoid_is_gelu_by_a_tanh() -> None:
    x = torch.cat([torch.linspace(-12, 12, 999), torch.tensor([-1e4, 1e4])]).requires_grad_()
    found = []
    for function in (SigmoidGELU.apply, lambda x: torch.nn.functional.gelu(x, approximate="tanh")):
        y = function(x)
        (slope,) = torch.autograd.grad(y.sum(), x)
        found.append((y.detach(), slope))
    torch.testing.assert_close(found[0][0], found[1][0], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found[0][1], found[1][1], rtol=1e-5, atol=1e-6)
