"""What a run is asked to do now is done once, after the step, and leaves no trace in the training."""

from typing import Any

from playground.domain.messages import Finished
from tests.workers.engine.attempts import Bench, exact, metrics, of_type, remember
from tests.workers.engine.test_resume import NewBench

QUIET: dict[str, Any] = {"steps": 400, "eval_interval": 1000, "sample_interval": 1000, "checkpoint_interval": 50}


def test_evaluations_and_samples_on_demand(new_bench: NewBench) -> None:
    reference = new_bench().run(**QUIET, dropout=0.1)
    attempt = new_bench().start(**QUIET, dropout=0.1)
    attempt.until_step(5)
    attempt.ask("evaluate")
    attempt.ask("evaluate")
    attempt.ask("sample", "the cat")
    attempt.ask("sample", "小猫")
    said = attempt.finish()
    assert said[-1] == Finished(outcome="done")
    ours, theirs = metrics(said), metrics(reference)
    assert exact(ours["loss"]) == exact(theirs["loss"])
    asked = sorted(set(ours["val_loss"]) - set(theirs["val_loss"]))
    assert len(asked) == 1
    samples = {message.data["prompt"]: message.data["step"] for message in of_type(said, "sample")}
    assert set(samples) == {"the cat", "小猫", ""}
    assert asked[0] == samples["the cat"] == samples["小猫"] - 1


def test_a_resumed_run_waits_with_what_it_is_asked_until_somebody_hears_of_it(bench: Bench) -> None:
    attempt = bench.start(**QUIET)
    attempt.until_step(90)
    said = attempt.kill()
    reached = max(metrics(said)["loss"])
    again = bench.start(recorded=remember(said), **QUIET)
    again.ask("evaluate")
    again.ask("sample", "the dog")
    told = again.finish()
    asked = min(metrics(told)["val_loss"])
    assert reached < asked < 400
    assert [message.data["step"] for message in of_type(told, "sample")] == [asked, 400]
    assert sorted(metrics(said + told)["loss"]) == list(range(1, 401))
