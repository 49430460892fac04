"""Who sees which artifact, how one comes in, and when one may go."""

import json
from pathlib import Path

import pytest
from pydantic import BaseModel

from playground.domain.errors import BadInput, Conflict, Forbidden, TooLarge
from playground.ledger import controls
from playground.ledger.submit import submit
from playground.library import artifacts, corpora, networks, store
from playground.library.models import Artifact, Kind
from playground.people.models import User

pytestmark = pytest.mark.usefixtures("clean_store")


class Params(BaseModel):
    """Parameters of an imaginary kind."""


def add(owner: User | None, tmp_path: Path, content: str = "some text", name: str = "text") -> tuple[Artifact, bool]:
    """Take a small corpus in."""
    file = tmp_path / "upload"
    file.write_text(content)
    return corpora.add(owner, file, name, limit=1000)


def test_the_same_content_of_one_owner_is_one_row(user: User, tmp_path: Path) -> None:
    first, new = add(user, tmp_path)
    again, renewed = add(user, tmp_path, name="another name")
    assert (new, renewed, again) == (True, False, first)
    assert again.name == "text"


def test_the_same_content_of_two_owners_is_two_rows_and_one_file(user: User, other: User, tmp_path: Path) -> None:
    mine, theirs = add(user, tmp_path)[0], add(other, tmp_path)[0]
    assert mine != theirs
    artifacts.delete(mine)
    assert corpora.text_path(theirs).read_text() == "some text"
    artifacts.delete(theirs)
    assert not store.current().exists(Kind.CORPUS, theirs.sha256)


def test_one_sees_ones_own_and_the_shared(user: User, other: User, tmp_path: Path) -> None:
    mine, shared = add(user, tmp_path)[0], add(None, tmp_path, "for all")[0]
    add(other, tmp_path, "not for ada")
    assert set(artifacts.for_user(user)) == {mine, shared}
    assert not artifacts.for_user(user, Kind.MODEL).exists()


def test_starter_content_is_neither_renamed_nor_deleted(db: None, tmp_path: Path) -> None:
    shared = add(None, tmp_path)[0]
    with pytest.raises(Forbidden):
        artifacts.rename(shared, "mine")
    with pytest.raises(Forbidden):
        artifacts.delete(shared)


def test_what_a_queued_job_reads_stays(user: User, tmp_path: Path) -> None:
    corpus = add(user, tmp_path)[0]
    job = submit(user, "clm", Params(), {"corpus": corpus}, name="My run")[0]
    with pytest.raises(Conflict, match="My run"):
        artifacts.delete(corpus)
    assert corpora.text_path(corpus).exists()
    controls.request(job, "stop")
    artifacts.delete(corpus)
    use = job.job_inputs.get()
    assert (use.artifact, use.name, use.sha256) == (None, "text", corpus.sha256)


def test_a_corpus_over_the_limit_is_refused_and_leaves_nothing(user: User, tmp_path: Path) -> None:
    with pytest.raises(TooLarge):
        add(user, tmp_path, "x" * 1001)
    assert not Artifact.objects.exists()


def test_a_bad_name_is_refused_before_anything_is_stored(user: User, tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        add(user, tmp_path, name="\x07")
    assert not Artifact.objects.exists()
    assert not (tmp_path / "store").exists()


def test_a_folder_is_adopted_under_the_hash_of_its_files(user: User, tmp_path: Path) -> None:
    rows = []
    for attempt in ("one", "two"):
        folder = tmp_path / attempt
        folder.mkdir()
        (folder / "tokenizer.json").write_text("{}")
        meta, origin = {"vocab_size": 3}, {"job": "j"}
        rows.append(artifacts.adopt("tokenizer", folder, owner=user, name="t", meta=meta, origin=origin))
        assert not folder.exists()
    row = rows[1]
    assert Artifact.objects.get() == row
    assert row.meta == {"vocab_size": 3}
    assert (artifacts.path_of(row) / "tokenizer.json").read_text() == "{}"


def test_the_hash_knows_names_and_contents(tmp_path: Path) -> None:
    digests = set()
    for number, (name, content) in enumerate([("a", "1"), ("b", "1"), ("a", "2")]):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / name).write_text(content)
        digests.add(artifacts.tree_digest(folder)[0])
    assert len(digests) == 3


@pytest.mark.parametrize("offset", range(12))
def test_a_preview_never_cuts_a_character(user: User, tmp_path: Path, offset: int) -> None:
    corpus = add(user, tmp_path, "汉字 und Wörter 👩‍👧 " * 5)[0]
    whole = corpora.text_path(corpus).read_text()
    text, _following = corpora.preview(corpus, offset, 7)
    assert text in whole
    assert "\ufffd" not in text
    pieces, at = "", 0
    while at < corpus.bytes:
        text, at = corpora.preview(corpus, at, 7)
        pieces += text
    assert pieces == whole


def model(owner: User, tmp_path: Path, content: str, **meta: object) -> Artifact:
    """A model of some content."""
    folder = tmp_path / content
    folder.mkdir()
    (folder / "model.safetensors").write_text(content)
    return artifacts.adopt(Kind.MODEL, folder, owner=owner, name=content, meta=meta, origin={})


def test_a_model_stays_while_adapters_stand_on_it(user: User, other: User, tmp_path: Path) -> None:
    base = model(user, tmp_path, "base")
    adapter = model(user, tmp_path, "adapter", adapter=True, base=base.sha256)
    model(user, tmp_path, "another", adapter=True, base="0" * 64)
    with pytest.raises(Conflict, match="the adapter “adapter” stands on it") as caught:
        artifacts.delete(base)
    assert caught.value.code == "in_use"
    theirs = artifacts.record(Kind.MODEL, base.sha256, 1, owner=other, name="theirs", meta={}, origin={})[0]
    artifacts.delete(theirs)
    artifacts.delete(adapter)
    artifacts.delete(base)
    assert not store.current().exists(Kind.MODEL, base.sha256)


def test_an_adapter_is_found_with_its_base(user: User, tmp_path: Path) -> None:
    base = model(user, tmp_path, "base")
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text("{}")
    (folder / "receipt.json").write_text(json.dumps({"inputs": {"model": base.sha256}}))
    adapter = artifacts.adopt(Kind.MODEL, folder, owner=user, name="adapter", meta={}, origin={})
    assert networks.located(base.sha256) == {"sha256": base.sha256, "path": str(artifacts.path_of(base))}
    assert networks.located(adapter.sha256)["base"] == str(artifacts.path_of(base))
    artifacts.delete(base)
    with pytest.raises(FileNotFoundError):
        networks.located(adapter.sha256)
