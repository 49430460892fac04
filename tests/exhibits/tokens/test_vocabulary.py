"""Searching a vocabulary and looking at how a piece was made."""

import pytest

from playground.domain.errors import BadInput
from playground.domain.tokenization.starter import Starters, names
from playground.exhibits.tokens.vocabulary import Params, Result, run


def search(**params: object) -> Result:
    return run(Params.model_validate(params), Starters())


@pytest.mark.parametrize(("by", "query"), [("text", "cat"), ("beginning", " ca")])
def test_search_by_text(by: str, query: str) -> None:
    found = search(query=query, by=by)
    assert found.total >= len(found.entries) > 0
    assert all(query in (entry.text or "") for entry in found.entries)


def test_search_by_number_and_bytes() -> None:
    assert [entry.id for entry in search(query=" 12 ", by="number").entries] == [12]
    assert all("e78c" in entry.bytes for entry in search(query="E7 8C", by="bytes").entries)


@pytest.mark.parametrize(("by", "query"), [("number", "x"), ("bytes", "xyz")])
def test_a_search_that_makes_no_sense_is_refused(by: str, query: str) -> None:
    with pytest.raises(BadInput) as caught:
        search(query=query, by=by)
    assert list(caught.value.fields) == ["query"]


def test_the_making_of_a_token_ends_in_single_bytes() -> None:
    cat = next(entry for entry in search(query=" cat").entries if entry.text == " cat")
    nodes = search(token=cat.id).making
    assert nodes[0].entry == cat
    leaves = [node.entry for node in nodes if node.left is None]
    assert "".join(entry.text or "" for entry in leaves) == " cat"
    for node in nodes:
        if node.left is not None and node.right is not None:
            assert nodes[node.left].entry.bytes + nodes[node.right].entry.bytes == node.entry.bytes


def test_no_such_token() -> None:
    with pytest.raises(BadInput):
        search(token=2_000_000)


@pytest.mark.parametrize("name", names())
def test_every_starter_can_be_browsed(name: str) -> None:
    found = search(tokenizer=name, limit=5)
    assert len(found.entries) == 5
    assert found.size > 200
