"""The report: one file that needs nothing else, in which no text of a person becomes markup."""

import base64
import json
import re
import zlib
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from django.test import Client

from playground.domain.job import Status
from playground.domain.messages import NewEvent
from playground.ledger.append import append
from playground.ledger.claim import claim
from playground.ledger.models import Event, Job, ProbeBlob
from playground.library.models import Artifact
from playground.people.models import User
from playground.web.report import figures
from tests.conftest import SignedIn
from tests.web.conftest import queue
from tests.web.test_errors import problem

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>&amp;"
TOKENS = ["the", " cat", EVIL]


class Tags(HTMLParser):
    """The elements of a page, and what stands in the scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep it."""
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        """Leave it."""
        self._inside = ""

    def handle_data(self, data: str) -> None:
        """Scripts apart from text."""
        if self._inside == "script":
            self.scripts.append(data)
        else:
            self.text += data


@pytest.fixture
def told(user: User, corpus: Artifact) -> Job:
    """A run that is done, whose every text is hostile."""
    Artifact.objects.filter(pk=corpus.pk).update(name=EVIL)
    corpus.refresh_from_db()
    job = queue(user, corpus, sample_prompt=EVIL[:40])
    Job.objects.filter(pk=job.pk).update(name=EVIL)
    claimed = claim("w1")
    assert claimed is not None
    append(job.pk, claimed.attempt, [], to=Status.RUNNING, steps=100)
    steps = list(range(1, 101))
    metrics: dict[str, list[Any]] = {
        "step": steps,
        "loss": [7 - step / 20 for step in steps],
        "val_loss": [None if step % 25 else 6.0 - step / 50 for step in steps],
        "learning_rate": [1e-3] * 100,
        "tokens_per_s": [5000.0] * 100,
        "seconds": [step / 2 for step in steps],
        "memory": [500 * 2**20] * 100,
    }
    sample = {"step": 100, "prompt": EVIL, "text": f"{EVIL} 小猫"}
    events = [NewEvent(type="metrics", data=metrics), NewEvent(type="sample", data=sample)]
    append(job.pk, claimed.attempt, events, to=Status.DONE)
    return Job.objects.get(pk=job.pk)


def report(client: Client, job: Job, language: str = "en") -> Any:
    """GET it."""
    return client.get(f"/api/v1/jobs/{job.pk}/report", headers={"accept-language": language})


def pictures(page: str) -> dict[str, Any]:
    """The data of all pictures."""
    found: dict[str, Any] = json.loads(next(text for text in Tags(page).scripts if '"curves"' in text[:40]))
    return found


def numbers(column: Any) -> Any:
    """A column as plotly has packed it."""
    if isinstance(column, list):
        return np.array(column)
    return np.frombuffer(base64.b64decode(column["bdata"]), dtype=f"<{column['dtype']}")


def test_the_file_needs_nothing_else(client_of_ada: Client, told: Job) -> None:
    answer = report(client_of_ada, told)
    assert answer.status_code == 200
    assert answer["content-type"] == "text/html; charset=utf-8"
    page = answer.content.decode()
    tags = Tags(page)
    assert "Plotly" in "".join(tags.scripts)
    for tag, attributes in tags.tags:
        assert tag not in ("link", "iframe", "object", "embed", "img", "base", "form")
        assert "src" not in attributes
        assert not str(attributes.get("href", "")).startswith("http")
    policy = next(a["content"] for tag, a in tags.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "sandbox allow-scripts" in answer["content-security-policy"]


def test_no_text_becomes_markup(client_of_ada: Client, told: Job) -> None:
    tags = Tags(report(client_of_ada, told).content.decode())
    assert [tag for tag, _ in tags.tags].count("script") == 3
    assert not [a for _, a in tags.tags if any(name.startswith("on") for name in a)]
    assert tags.text.count("alert(1)") >= 4
    assert "小猫" in tags.text


def test_what_was_written_has_its_blanks_filled_once_and_an_instruction_is_no_beginning(
    client_of_ada: Client, told: Job
) -> None:
    blank = {"start": 4, "end": 10, "candidates": [{"id": 7, "text": "##<b>", "probability": 0.4}]}
    data = {"step": 100, "prompt": "the [MASK] sat", "text": "the<b> sat", "blanks": [blank]}
    Event.objects.filter(job=told, type="sample").update(data=data)
    page = report(client_of_ada, told).content.decode()
    assert '>the </span><span class="filled">-&lt;b&gt;</span><span class=""> sat<' in page
    assert "[MASK]" not in page
    Event.objects.filter(job=told, type="sample").update(data={"step": 100, "prompt": "Who?", "text": "\nI."})
    Job.objects.filter(pk=told.pk).update(params={**told.params, "template": "alpaca"})
    page = report(client_of_ada, told).content.decode()
    assert '<span class="asked">Who?</span><span class="">I.</span>' in page


def test_the_curves_are_the_runs(client_of_ada: Client, told: Job) -> None:
    found = pictures(report(client_of_ada, told).content.decode())
    raw, smooth, held = found["curves"]["data"]
    assert numbers(raw["y"]).tolist() == pytest.approx([7 - step / 20 for step in range(1, 101)])
    assert numbers(smooth["y"])[0] == pytest.approx(6.95)
    assert numbers(held["x"]).tolist() == [25, 50, 75, 100]
    assert len(found["small"]["data"]) == 3


def test_memory_is_told_before_and_after(client_of_ada: Client, told: Job) -> None:
    tags = Tags(report(client_of_ada, told).content.decode())
    estimate = client_of_ada.get(f"/api/v1/jobs/{told.pk}/estimate").json()
    assert "500 MiB" in tags.text
    assert f"{estimate['memory']['total'] / 2**20:,.0f} MiB" in tags.text
    assert f"{estimate['memory']['activations'] / 2**20:,.0f} MiB" in tags.text


def test_chinese_is_chinese(client_of_ada: Client, told: Job) -> None:
    page = report(client_of_ada, told, "zh-hans").content.decode()
    assert 'lang="zh-hans"' in page
    for word in ("训练报告", "曲线", "实测峰值", "学习率"):
        assert word in page
    assert not re.search(r"Run parameters|measured peak|Learning rate", Tags(page).text)


def test_a_run_that_has_done_nothing_has_a_report(client_of_ada: Client, job: Job) -> None:
    page = report(client_of_ada, job).content.decode()
    assert pictures(page)["curves"]["data"] == []
    assert "Waiting" in page


def test_probes_become_heat_maps(client_of_ada: Client, told: Job) -> None:
    tokens = [{"id": number, "text": text, "special": False} for number, text in enumerate(TOKENS)]
    about = {"sentences": [{"text": EVIL, "cut": False, "tokens": tokens}], "words": [], "layers": 2, "heads": 2}
    weights = np.tril(np.ones((3, 3))) / np.arange(1, 4)[:, None]
    codes = np.round(np.sqrt(np.broadcast_to(weights, (2, 2, 3, 3))) * 255).astype(np.uint8)
    for seq, step in enumerate((1, 10, 100), told.next_seq):
        data = {"step": step, "about": about} if step == 1 else {"step": step}
        Event.objects.create(job=told, seq=seq, attempt=1, type="probe", data=data)
        ProbeBlob.objects.create(job=told, step=step, sentence=0, data=zlib.compress(codes.tobytes()))
    page = report(client_of_ada, told).content.decode()
    found = pictures(page)["attention-0"]
    assert len(found["data"]) == 3
    last = found["data"][2]
    assert last["hovertemplate"].startswith("%{customdata:")
    shown = numbers(last["customdata"]).reshape(3, 3)
    np.testing.assert_allclose(shown, weights, atol=0.01)
    # Drawn by their square roots, as on the site.
    np.testing.assert_allclose(numbers(last["z"]).reshape(3, 3), np.sqrt(weights), atol=0.01)
    assert "<script" not in json.dumps(found["layout"])
    assert "&lt;/script" in json.dumps(found["layout"])


def test_other_peoples_runs_are_not_found(client_of_ada: Client, other: User, as_user: SignedIn, job: Job) -> None:
    for address in ("report", "estimate"):
        assert problem(as_user(other).get(f"/api/v1/jobs/{job.pk}/{address}")).status == 404
        assert Client().get(f"/api/v1/jobs/{job.pk}/{address}").status_code == 401


def test_the_estimate_outlives_the_corpus(client_of_ada: Client, told: Job) -> None:
    before = client_of_ada.get(f"/api/v1/jobs/{told.pk}/estimate").json()
    Artifact.objects.all().delete()
    after = client_of_ada.get(f"/api/v1/jobs/{told.pk}/estimate").json()
    assert after["memory"]["weights"] == before["memory"]["weights"] > 0
    assert report(client_of_ada, told).status_code == 200


def test_thinning_keeps_ends_and_spikes() -> None:
    x, y = np.arange(100_000.0), np.zeros(100_000)
    y[54_321] = 9.0
    thin_x, thin_y = figures.thinned(x, y)
    assert len(thin_x) <= 2 * figures.MOST_POINTS
    assert (thin_x[0], thin_x[-1], thin_y.max()) == (0, 99_999, 9.0)
    assert (np.diff(thin_x) > 0).all()
