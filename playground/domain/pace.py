"""How long a run takes, from what a pass of it costs and from what a worker has measured.

A pass, forward and backward, is counted in two currencies: products with weights, of which a processor does so many a
second; and scores, the numbers that go through a softmax, whose cost is traffic of memory. What a pass takes beside
them, however few its tokens, is measured too. To these come the looks at held-out text, the samples, and where the
network is compiled the wait for it.
"""

import itertools
import math
from dataclasses import dataclass

from playground.domain.compiling import GAIN, START_SECONDS, worthwhile
from playground.domain.kind import Facts, SpeedPoint, Work
from playground.domain.presets import Shape, multiplied
from playground.domain.training import TIMED_STEPS, Training

STRIPE = 128
"""Queries that causal attention takes together: none of a stripe is compared with keys that come after all of it."""
FORWARD = 1 / 3
"""Share of a pass that its way forward takes."""
AGAIN = 4 / 3
"""What gradient checkpointing multiplies a pass by, which then goes forward twice."""
LOGIT = 1 / 3
"""A logit goes once through a softmax and becomes its own gradient, which takes about this share of a score: measured
with a vocabulary of 16,000."""
LEAST = 0.4
"""Share of a usual pass that grows with its tokens, and of that the share of products, at least."""
USUAL = 2048
"""Tokens of the pass by which paces are compared."""


@dataclass(frozen=True)
class Load:
    """What one pass computes: operations of products with weights, and scores.

    These are the pairs of positions that attention compares, in each head and layer; logits count for a part of one.
    """

    operations: float
    scores: float


@dataclass(frozen=True)
class Pace:
    """Seconds that a pass takes beside its load, and that each operation and each score of the load take."""

    beside: float
    operation: float
    score: float

    def seconds(self, load: Load) -> float:
        """Of one pass."""
        return self.beside + self.operation * load.operations + self.score * load.scores


@dataclass(frozen=True)
class Plan:
    """A run as far as its time is concerned: passes of this load at this pace.

    `held` is how many passes the held-out text is enough for, `slower` what dropout multiplies a pass by.
    """

    params: Training
    pace: Pace
    load: Load
    held: float
    compiled: bool
    slower: float = 1.0

    @property
    def step(self) -> float:
        """Seconds of a step."""
        each = self.pace.seconds(self.load) * self.slower
        each *= AGAIN if self.params.gradient_checkpointing else 1.0
        return self.params.gradient_accumulation * each / (GAIN if self.compiled else 1.0)

    def steps(self, per_step: int) -> int:
        """Steps of the budget; those of a budget in minutes rest on the pace."""
        minutes = self.params.minutes or 0.0
        return self.params.planned(per_step) or max(TIMED_STEPS, round(minutes * 60 / self.step))

    def seconds(self, steps: int) -> float:
        """Of the whole run with its looks at the held-out text, its samples and the wait for the compiler."""
        batches = max(1, min(self.params.eval_batches, math.ceil(self.held)))
        looks = looked_at(steps, self.params.eval_interval) * batches * self.pace.seconds(self.load)
        tokens = -(-steps // self.params.sample_interval) * self.params.sample_tokens
        forward = FORWARD * (looks + tokens * self.pace.beside)
        return steps * self.step + forward + (START_SECONDS if self.compiled else 0.0)


def looked_at(steps: int, interval: int) -> int:
    """How often a run looks at the held-out text: after its first step, after every so many, and after its last."""
    return steps // interval + (interval > 1) + (steps > 1 and steps % interval > 0)


def scores(rows: int, block: int, heads: int, layers: int, *, causal: bool) -> float:
    """Pairs that attention compares in a pass; `causal` where nothing else hides a position.

    With a mask of its own, each position of a row is compared with all, and what it may not see is hidden afterwards.
    """
    keys = float(block)
    if causal:
        stops = [(start, min(start + STRIPE, block)) for start in range(0, block, STRIPE)]
        keys = sum((stop - start) * stop for start, stop in stops) / block
    return rows * block * keys * heads * layers


def logits(positions: float, vocab_size: int) -> float:
    """The scores that as many logits cost as this number of positions has, of which something is asked."""
    return positions * vocab_size * LOGIT


def load_of(shape: Shape, rows: int, asked: float) -> Load:
    """That of a network that is made anew, whose rows are whole; `asked` is the share of positions with a label."""
    tokens, causal = rows * shape.block_size, shape.architecture != "bert"
    compared = scores(rows, shape.block_size, shape.n_head, shape.n_layer, causal=causal)
    return Load(6.0 * multiplied(shape, asked) * tokens, compared + logits(tokens * asked, shape.vocab_size))


def told_apart(loads: list[Load], seconds: list[float]) -> Pace:
    """The pace behind the times of three passes: a usual one, one with fewer tokens, one with more scores alone.

    Where the times were disturbed so that one of the three parts would be nothing or less, it gets what is least.
    """
    (usual, fewer, wider), (whole, short, long) = loads, seconds
    kept = 1 - fewer.operations / usual.operations
    growing = min(max((whole - short) / kept, LEAST * whole), whole)
    score = min(max(0.0, (long - whole) / (wider.scores - usual.scores)), (1 - LEAST) * growing / usual.scores)
    return Pace(whole - growing, (growing - score * usual.scores) / usual.operations, score)


def pace_of(points: list[SpeedPoint], parameters: int, precision: str, work: Work) -> Pace | None:
    """The pace of a model size: between measurements linear in log(parameters), beyond them that of the nearest.

    Of work that was not measured in this precision, the pace of learning next tokens is taken. None where nothing was.
    """
    measured = "bf16" if precision == "fp16" else precision  # units for one multiply the other as fast
    fitting = [point for point in points if (point.precision, point.work) == (measured, work)]
    known = sorted(fitting, key=lambda point: point.parameters)
    if not known:
        return None if work == "next_token" else pace_of(points, parameters, precision, "next_token")
    for low, high in itertools.pairwise(known):
        if low.parameters <= parameters <= high.parameters:
            share = math.log(parameters / low.parameters) / max(math.log(high.parameters / low.parameters), 1e-9)
            rate = low.flops_per_s + (high.flops_per_s - low.flops_per_s) * share
            beside = low.pass_seconds + (high.pass_seconds - low.pass_seconds) * share
            score = low.score_seconds + (high.score_seconds - low.score_seconds) * share
            return Pace(beside, 1 / rate, score)
    near = known[0] if parameters < known[0].parameters else known[-1]
    # Much of what a large model takes beside its load is the optimizer's, which goes over every weight.
    larger = max(1.0, parameters / near.parameters)
    return Pace(near.pass_seconds * larger, 1 / near.flops_per_s, near.score_seconds)


def faster(points: list[SpeedPoint], parameters: int) -> bool:
    """Whether a usual pass of learning next tokens is faster in bf16 than in fp32; False where that is not known."""
    load = Load(6.0 * parameters * USUAL, 0.0)
    fp32, bf16 = (pace_of(points, parameters, precision, "next_token") for precision in ("fp32", "bf16"))
    return bf16 is not None and (fp32 is None or bf16.seconds(load) < fp32.seconds(load))


def compiled(
    params: Training, facts: Facts, learned: int, frozen: int, per_step: int, precision: str, *, auto: bool
) -> bool:
    """Whether the engine will compile the run; `auto` is whether it may decide so by itself for this kind of work."""
    if params.compile != "auto":
        return params.compile == "on"
    threads = params.threads or facts.devices
    device = "cpu" if facts.device == "cpu" else "cuda"
    if not auto or (device == "cpu" and threads is None):
        return False
    return worthwhile(params, learned, frozen, per_step, precision, device, threads or 1)
