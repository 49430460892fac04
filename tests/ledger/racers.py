"""What the racing processes do: `python -m tests.ledger.racers VERB THREADS JSON`.

Each process gets ready, says so, waits for a line on its input, and then acts in all its threads at once. It prints a
JSON list of what each thread got.
"""

from __future__ import annotations

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import django
from django.apps import apps
from django.db import connection

if not apps.ready:
    django.setup()

from django.core.management import call_command

from playground.domain.errors import Conflict, Fenced
from playground.domain.job import Loss, Status
from playground.domain.messages import NewEvent
from playground.ledger import controls
from playground.ledger.append import append
from playground.ledger.claim import Claimant, claim, take
from playground.ledger.invariants import check
from playground.ledger.models import Event, Job
from playground.ledger.reap import release
from playground.ledger.submit import submit
from playground.people.models import User
from tests.ledger.conftest import Params


def migrate() -> None:
    """Make the tables."""
    call_command("migrate", verbosity=0, skip_checks=True)


def queue(owner: str, jobs: int) -> list[str]:
    """Queue jobs of one owner."""
    user, _created = User.objects.get_or_create(username=owner)
    return [str(submit(user, "clm", Params(), {})[0].pk) for _ in range(jobs)]


def verify(job: str) -> dict[str, Any]:
    """Tell what the invariants say, and what became of the job."""
    row = Job.objects.get(pk=job)
    logs = Event.objects.filter(job=row, type="log").values_list("attempt", flat=True)
    return {"violations": check(row), "status": row.status, "attempt": row.attempt, "logs": list(logs)}


def one_claim(job: str, seen: int) -> int | None:
    """Take one job as it was seen; the attempt number, or null."""
    taken = take(UUID(job), seen, Claimant(f"w{threading.get_ident()}"), {})
    return taken.attempt if taken else None


def clear() -> list[str]:
    """Claim and finish jobs until the line is empty; tell which."""
    done: list[str] = []
    while claimed := claim("clearer"):
        job, attempt = claimed
        metrics = [NewEvent(type="metrics", data={"step": [step], "loss": [1.0 / step]}) for step in (1, 2, 3)]
        append(job.pk, attempt, metrics, to=Status.RUNNING)
        append(job.pk, attempt, [], to=Status.DONE)
        done.append(str(job.pk))
    return done


def same_request(owner: str, times: int) -> list[list[Any]]:
    """Send one request again and again, every tenth time with another body under the same key."""
    user = User.objects.get(username=owner)
    got: list[list[Any]] = []
    for number in range(times):
        body = "other" if number % 10 == 9 else "body"
        try:
            job, created = submit(user, "clm", Params(), {}, idempotency_key="once", request_hash=body)
            got.append([body, str(job.pk), created])
        except Conflict as error:
            got.append([body, error.code, False])
    return got


def write(job: str, attempt: int, batches: int) -> list[int]:
    """Append batches of five lines as one attempt; how many were accepted, and how many fenced."""
    accepted = 0
    for number in range(batches):
        lines = [NewEvent(type="log", data={"text": f"{number}.{line}"}) for line in range(5)]
        try:
            append(UUID(job), attempt, lines)
            accepted += 1
        except Fenced:
            pass
    return [accepted, batches - accepted]


def lose(job: str, attempt: int) -> int | None:
    """End an attempt and begin the next one; its number."""
    release(UUID(job), attempt, Loss.PREEMPTED)
    return one_claim(job, attempt)


def meddle(job: str, rounds: int) -> int:
    """Pause, resume, claim and give up, as everybody does at once; at last stop. How many wishes were refused."""
    row, refused = Job.objects.get(pk=job), 0
    for number in range(rounds):
        try:
            controls.request(row, "pause" if number % 2 else "resume")
            claimed = claim("meddler")
            if claimed:
                append(claimed.job.pk, claimed.attempt, [], to=Status.RUNNING)
                release(claimed.job.pk, claimed.attempt, Loss.PREEMPTED)
            if number == rounds - 1:
                controls.request(row, "stop")
        except Conflict:
            refused += 1
    return refused


VERBS = {verb.__name__: verb for verb in (migrate, queue, verify, one_claim, clear, same_request, write, lose, meddle)}


def main(verb: str, threads: int, arguments: dict[str, Any]) -> None:
    """Get ready, wait for the signal, act in every thread, print what each got."""
    start = threading.Barrier(threads)

    def act(_number: int) -> Any:
        start.wait()
        try:
            return VERBS[verb](**arguments)
        finally:
            connection.close()

    print("ready", flush=True)
    sys.stdin.readline()
    with ThreadPoolExecutor(threads) as pool:
        print(json.dumps(list(pool.map(act, range(threads)))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3]))
