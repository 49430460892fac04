"""Training in bf16 follows training in fp32: the same curve within a hundredth, for each kind of seed and network."""

from collections.abc import Callable
from typing import Any

import pytest

from playground.domain.messages import Finished
from playground.storyworld import generate
from tests.workers.engine.attempts import Bench, metrics

STEPS, WINDOW = 200, 20
SIZE: dict[str, Any] = {
    "n_layer": 2,
    "n_head": 2,
    "d_model": 64,
    "vocab_size": 512,
    "block_size": 64,
    "batch_size": 16,
    "steps": STEPS,
    "learning_rate": 3e-3,
    "eval_interval": STEPS,
    "sample_interval": STEPS,
}


def curve(bench: Bench, **params: Any) -> list[float]:
    """Mean loss of each stretch of steps."""
    said = bench.run(**{**SIZE, **params})
    assert said[-1] == Finished(outcome="done")
    losses = list(metrics(said)["loss"].values())
    return [sum(losses[at : at + WINDOW]) / WINDOW for at in range(0, STEPS, WINDOW)]


@pytest.mark.slow
@pytest.mark.parametrize("network", [{"architecture": "llama"}, {"architecture": "gpt2"}, {"kind": "mlm"}], ids=str)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_bf16_follows_fp32(new_bench: Callable[..., Bench], seed: int, network: dict[str, Any]) -> None:
    text = generate(5, 60_000)
    exact, ours = (curve(new_bench(text), seed=seed, precision=precision, **network) for precision in ("fp32", "bf16"))
    assert exact[-1] < 0.7 * exact[0]
    assert ours == pytest.approx(exact, rel=0.01)
