"""The training loop, for every kind, in reading order."""

import math
import time
from dataclasses import replace

from playground.domain.training import MAX_STEPS, TIMED_STEPS
from workers.engine.clock import steps_for
from workers.engine.generate import Spoiled
from workers.engine.objectives import NotFinite
from workers.engine.port import Wish
from workers.engine.rescue import refuse_too_far
from workers.engine.run import Run


def train(run: Run) -> Wish | None:
    """Train from where the run stands to its last step. Returns the wish that ended it early, or None.

    Raises NotFinite before any update that would spoil the weights. Nothing here depends on the time but the speed
    that is reported, when states are saved, and how many steps a budget in minutes has.
    """
    params, learner, port, crew = run.params, run.learner, run.port, run.crew
    planned = run.planned()
    if planned is not None:
        port.plan(planned)
    began = warm = time.monotonic() - run.progress.seconds

    last = run.progress.step >= (planned or math.inf) or run.tired()
    while not last:
        step = run.progress.step + 1
        rate = params.rate(step, planned or MAX_STEPS)
        tick = time.monotonic()

        # Forward and backward: the mean gradient over all labels in the micro-batches of this step.
        batches = [run.batch(step, micro) for micro in range(params.gradient_accumulation)]
        learned = max(1, sum(batch.learned for batch in batches))
        loss = 0.0
        for micro, batch in enumerate(batches):
            wish = crew.shared(port.wish())
            if wish is not None:
                return wish
            part = run.loss(batch, step, micro) * (batch.learned / learned)
            learner.backward(part)
            loss += part.item()
        loss = crew.sum(learner.gradient, loss)

        # A step that is not finite, or would leave nothing of the network, is not taken.
        norm = learner.gradient_norm()
        if again(run, step, loss, norm):
            continue
        refuse_too_far(rate, step)

        # Pinned sentences are looked at; nothing of the training depends on it.
        watched = crew.first and run.probes.due(step, planned, run.progress.seconds)
        if watched:
            run.probes.before(learner)
        learner.update(rate)

        # Report it at once.
        now, tokens = time.monotonic(), sum(batch.tokens for batch in batches)
        run.progress = replace(run.progress, step=step, tokens=run.progress.tokens + tokens, seconds=now - began)
        port.metrics(
            step,
            loss=loss,
            learning_rate=rate,
            grad_norm=norm,
            tokens_per_s=tokens / (now - tick),
            tokens=run.progress.tokens,
            seconds=round(now - began, 4),
            memory=crew.peak_memory(),
        )

        # A budget in minutes becomes a number of steps, once and for all.
        if planned is None and step == TIMED_STEPS:
            planned = crew.shared(steps_for(params, now - warm, TIMED_STEPS - 1))
            run.progress = replace(run.progress, planned=planned)
            port.plan(planned)

        # Look at it, hear it, save it.
        last = crew.shared(crew.first and look(run, step, planned))
        if watched:
            run.probes.record(step, learner, last)
        if crew.first and run.save_due() and not last:
            run.save()
        if step == 1:
            warm = time.monotonic()  # the first step is slower than the rest
    return None


def again(run: Run, step: int, loss: float, norm: float) -> bool:
    """Whether the step must be done again with a smaller scale. Raises NotFinite where that would not help."""
    if not math.isfinite(loss):
        raise NotFinite("loss", step)
    if run.learner.overflowed(norm):
        return True
    if not math.isfinite(norm):
        raise NotFinite("gradient", step)
    return False


def look(run: Run, step: int, planned: int | None) -> bool:
    """Evaluate and write a sample where it is time to, or where somebody asks; tells whether the step was the last."""
    last = step == planned
    if last or step == 1 or step % run.params.eval_interval == 0:
        run.evaluate(step)
        last = last or run.tired()
    elif run.port.asked("evaluate", step):
        run.evaluate(step, counts=False)
    if last or step % run.params.sample_interval == 0:
        sample(run, step)
    elif ask := run.port.asked("sample", step):
        sample(run, step, ask.prompt)
    return last


def sample(run: Run, step: int, prompt: str | None = None) -> None:
    """Have the model write, if it still can; whether the run goes on is decided by the loss of the next step."""
    try:
        run.sample(step, prompt)
    except Spoiled:
        run.port.log(f"After step {step:,} the model gives no finite numbers, so that it writes no sample.", "warning")
