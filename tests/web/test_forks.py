"""Forks over the API: which states there are, what may change, and that the new run keeps what it stands on."""

import shutil
import uuid
from typing import Any

import pytest
from django.test import Client

from playground.domain.checkpoints import BASE, FOLDER, MANIFEST, STATE, name_of
from playground.domain.job import Status
from playground.ledger.claim import claim
from playground.ledger.invariants import check
from playground.ledger.models import Job
from playground.ledger.states import folder_of
from playground.library import corpora
from playground.library.models import Artifact
from playground.people.models import User
from tests.web.conftest import queue, run
from tests.web.test_errors import problem
from tests.web.test_jobs import URL, submit


def keep(job: Job, *steps: int, attempt: int = 1) -> None:
    """Put states into a job's folder."""
    for step in steps:
        folder = folder_of(job.pk) / FOLDER / name_of(step, attempt)
        folder.mkdir(parents=True)
        (folder / STATE).write_bytes(b"weights %d" % step)
        (folder / MANIFEST).write_text("{}")


@pytest.fixture
def parent(job: Job) -> Job:
    """A run of a hundred steps that is over, with three states."""
    run(job)(1, 100, to=Status.DONE)
    keep(job, 20, 60, 100)
    return Job.objects.get(pk=job.pk)


def fork(client: Client, parent: Job, step: int | None = None, key: str | None = None, **params: Any) -> Any:
    """POST a fork."""
    return submit(client, {"step": step, "params": params}, key, f"{URL}/{parent.pk}/fork")


def test_the_states_are_listed_by_step(client_of_ada: Client, parent: Job) -> None:
    keep(parent, 60, attempt=2)
    (folder_of(parent.pk) / FOLDER / f".{name_of(80, 1)}.77").mkdir()
    found = client_of_ada.get(f"{URL}/{parent.pk}/checkpoints").json()
    assert {"n_layer", "preset", "vocab_size", "tokenizer", "minutes"} <= set(found["bound"])
    assert not {"learning_rate", "corpus", "block_size", "seed", "steps"} & set(found["bound"])
    assert found["items"] == [{"step": 20, "bytes": 12}, {"step": 60, "bytes": 12}, {"step": 100, "bytes": 13}]


def test_a_fork_goes_on_from_the_newest_state_up_to_the_step(client_of_ada: Client, parent: Job) -> None:
    response = fork(client_of_ada, parent, 75, learning_rate=0.001, seed=5)
    assert response.status_code == 202
    made = response.json()
    assert response["location"] == made["url"] != f"{URL}/{parent.pk}"
    assert (made["parent"], made["parent_step"], made["relation"], made["step"]) == (str(parent.pk), 60, "fork", 60)
    assert (made["params"]["learning_rate"], made["params"]["seed"], made["params"]["steps"]) == (0.001, 5, 100)
    assert made["params"]["corpus"] == parent.params["corpus"]
    assert made["name"] == "Foxes run, from step 60"
    job = Job.objects.get(pk=made["id"])
    base = folder_of(job.pk) / BASE / name_of(60, 1)
    assert (base / STATE).samefile(folder_of(parent.pk) / FOLDER / name_of(60, 1) / STATE)
    assert check(job) == []
    assert client_of_ada.delete(f"{URL}/{parent.pk}").status_code == 204
    assert (base / STATE).read_bytes() == b"weights 60"
    job.refresh_from_db()
    assert (job.parent, job.parent_step, job.relation) == (None, 60, "fork")
    claimed = claim("w")
    assert claimed is not None
    assert claimed.job.attempts.get().resume_step == 60


def test_a_fork_of_a_fork_may_begin_where_that_one_began(client_of_ada: Client, parent: Job) -> None:
    first = Job.objects.get(pk=fork(client_of_ada, parent, 60).json()["id"])
    again = fork(client_of_ada, first, seed=3)
    assert (again.status_code, again.json()["parent_step"]) == (202, 60)
    assert problem(fork(client_of_ada, first, 59)).code == "no_checkpoint"


def test_a_budget_replaces_another_and_must_reach_beyond_the_state(client_of_ada: Client, parent: Job) -> None:
    made = fork(client_of_ada, parent, 60, tokens=1_000_000).json()
    assert (made["params"]["steps"], made["params"]["tokens"]) == (None, 1_000_000)
    assert fork(client_of_ada, parent, 100, steps=101).status_code == 202
    for field, value in {"steps": 60, "tokens": 60 * 16 * 128, "minutes": 3}.items():
        changes: dict[str, Any] = {field: value}
        found = problem(fork(client_of_ada, parent, 60, **changes))
        assert [error.field for error in found.errors] == [f"params.{field}"]
    assert problem(fork(client_of_ada, parent)).errors[0].field == "params.steps"


def test_a_run_in_minutes_passes_its_plan_on(client_of_ada: Client, user: User, corpus: Artifact) -> None:
    job = queue(user, corpus, steps=None, minutes=1)
    run(job)(1, 50)
    keep(job, 40)
    assert fork(client_of_ada, job, 40).json()["steps"] == 100
    assert fork(client_of_ada, job, 40, steps=300).json()["steps"] is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"n_layer": 3}, "n_layer"),
        ({"d_model": 32}, "d_model"),
        ({"n_head": 1}, "n_head"),
        ({"preset": "200k"}, "preset"),
        ({"architecture": "gpt2"}, "architecture"),
        ({"tie": False}, "tie"),
        ({"vocab_size": 4096}, "vocab_size"),
        ({"d_ff": 64}, "d_ff"),
    ],
)
def test_what_belongs_to_the_state_is_refused_with_its_field(
    client_of_ada: Client, parent: Job, changes: dict[str, Any], field: str
) -> None:
    found = problem(fork(client_of_ada, parent, 60, **changes))
    assert f"params.{field}" in [error.field for error in found.errors]
    assert "stays" in found.errors[0].message
    assert Job.objects.count() == 1
    assert [path.name for path in folder_of(parent.pk).parent.iterdir()] == [str(parent.pk)]


def test_rotary_positions_take_any_block_and_learned_ones_do_not(
    client_of_ada: Client, user: User, corpus: Artifact, parent: Job
) -> None:
    assert fork(client_of_ada, parent, 60, block_size=64).status_code == 202
    classic = queue(user, corpus, architecture="gpt2")
    keep(classic, 30)
    assert problem(fork(client_of_ada, classic, block_size=64)).errors[0].field == "params.block_size"


def test_another_text_is_cut_by_the_tokenizer_of_the_state(
    client_of_ada: Client, user: User, parent: Job, tmp_path: Any
) -> None:
    file = tmp_path / "other"
    file.write_text("a lazy dog sleeps beside a brown fox\n" * 300)
    other = corpora.add(user, file, "Dogs", limit=1 << 20)[0]
    assert problem(fork(client_of_ada, parent, 60, corpus=str(other.pk))).errors[0].field == "params.corpus"
    cutter = Artifact.objects.create(kind="tokenizer", owner=user, name="BPE", sha256="b" * 64, bytes=1)
    Job.objects.filter(pk=parent.pk).update(tokenizer=cutter)
    made = fork(client_of_ada, parent, 60, corpus=str(other.pk)).json()
    assert made["inputs"]["tokenizer"]["id"] == str(cutter.pk)
    stranger = Artifact.objects.create(kind="tokenizer", owner=user, name="BPE", sha256="d" * 64, bytes=1)
    found = problem(fork(client_of_ada, parent, 60, tokenizer=str(stranger.pk)))
    assert [error.field for error in found.errors] == ["params.tokenizer"]


def test_a_run_without_states_here_says_so(client_of_ada: Client, parent: Job, user: User, corpus: Artifact) -> None:
    found = problem(fork(client_of_ada, parent, 19))
    assert (found.status, found.code) == (409, "no_checkpoint")
    shutil.rmtree(folder_of(parent.pk))
    assert "on this machine" in problem(fork(client_of_ada, parent, 60)).detail
    assert "not made a step" in problem(fork(client_of_ada, queue(user, corpus))).detail
    assert problem(submit(client_of_ada, {}, None, f"{URL}/{uuid.uuid4()}/fork")).status == 404


def test_wrong_values_are_named_like_those_of_any_run(client_of_ada: Client, parent: Job) -> None:
    found = problem(fork(client_of_ada, parent, 60, learning_rate=-1, colour="red"))
    assert {error.field for error in found.errors} == {"params.learning_rate", "params.colour"}
    assert problem(submit(client_of_ada, {"step": 0}, None, f"{URL}/{parent.pk}/fork")).errors[0].field == "step"


def test_one_key_makes_one_fork(client_of_ada: Client, parent: Job) -> None:
    first, again = (fork(client_of_ada, parent, 60, "k", seed=4) for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json()["id"] == again.json()["id"]
    assert problem(fork(client_of_ada, parent, 60, "k", seed=5)).code == "idempotency_key_reused"
    assert len(list(folder_of(parent.pk).parent.iterdir())) == 2


@pytest.fixture(autouse=True)
def no_folders_of_other_tests(db: None) -> None:
    """Each test counts the folders of jobs."""
    shutil.rmtree(folder_of(uuid.uuid4()).parent, ignore_errors=True)
