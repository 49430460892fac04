"""Which runs are worth compiling: those that will last, as compiling takes tens of seconds before the first step.

The answer must be the same whenever the same run is begun again, so it rests on nothing that is measured: on the
budget, the number of parameters, and round speeds of a sort of machine.
"""

from playground.domain.training import Training

UNEQUAL = "Rows of different lengths cannot be compiled: switch packing on."
WORTH_SECONDS = 120.0
"""A run that would be shorter without compiling is not compiled."""
START_SECONDS = 20.0
"""What a run waits for the compiler, with an empty cache; a few seconds where a network of that shape was compiled."""
GAIN = 1.15
"""How many times faster its steps are afterwards."""
PER_THREAD = {"fp32": 70e9, "bf16": 120e9}
"""Operations a second of a processor's thread in training, as measured on one with matrix units."""
PER_GPU = {"fp32": 15e12, "fp16": 50e12, "bf16": 50e12}
"""The same of a GPU."""


def worthwhile(
    params: Training, learned: int, frozen: int, tokens_per_step: int, precision: str, device: str, threads: int
) -> bool:
    """Whether a run is expected to last so long; six operations for a learned parameter and token, four for a frozen.

    A budget in minutes says it itself. `device` is its sort, "cpu" or "cuda".
    """
    if params.minutes is not None:
        return params.minutes * 60 > WORTH_SECONDS
    speed = PER_GPU[precision] if device == "cuda" else PER_THREAD[precision] * threads
    operations = (6.0 * learned + 4.0 * frozen) * tokens_per_step * (params.planned(tokens_per_step) or 0)
    return operations / speed > WORTH_SECONDS
