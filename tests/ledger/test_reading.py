"""Reading events and curves: pages without gaps, and each step once."""

from __future__ import annotations

from playground.domain.messages import NewEvent
from playground.ledger.append import append
from playground.ledger.claim import Claim
from playground.ledger.series import metrics
from playground.ledger.timeline import PAGE, events_after


def test_pages_follow_each_other_without_gaps(running: Claim) -> None:
    job, attempt = running
    append(job.pk, attempt, [NewEvent(type="log", data={"text": str(n)}) for n in range(PAGE + 20)])
    after, pages = 0, []
    while True:
        events, after = events_after(job.pk, after)
        if not events:
            break
        pages.append([event.seq for event in events])
    assert [len(page) for page in pages] == [PAGE, 23]
    assert [seq for page in pages for seq in page] == list(range(1, PAGE + 24))
    assert events_after(job.pk, after) == ([], after)


def test_a_limit_is_kept_within_bounds(running: Claim) -> None:
    job = running.job
    assert [len(events_after(job.pk, 0, limit)[0]) for limit in (-5, 0, 2, 10**9)] == [1, 1, 2, 3]


def test_an_event_is_told_as_the_public_sees_it(running: Claim) -> None:
    event = events_after(running.job.pk)[0][0]
    told = event.model_dump(mode="json")
    assert set(told) == {"seq", "type", "at", "data"}
    assert (told["seq"], told["type"], told["data"]["status"]) == (1, "status", "queued")
    assert event.at.utcoffset() is not None
    assert told["at"].endswith("Z")


def test_curves_join_the_events_and_leave_out_what_has_no_value(running: Claim) -> None:
    job, attempt = running
    assert metrics(job.pk) == {"series": {}}
    append(
        job.pk,
        attempt,
        [
            NewEvent(type="metrics", data={"step": [1, 2], "loss": [2.0, 1.5], "seconds": [0.1, None]}),
            NewEvent(type="metrics", data={"step": [2], "val_loss": [1.75]}),
            NewEvent(type="metrics", data={"step": [3], "loss": [1.0], "seconds": [0.3]}),
        ],
    )
    assert metrics(job.pk)["series"] == {
        "loss": {"step": [1, 2, 3], "value": [2.0, 1.5, 1.0]},
        "seconds": {"step": [1, 3], "value": [0.1, 0.3]},
        "val_loss": {"step": [2], "value": [1.75]},
    }
