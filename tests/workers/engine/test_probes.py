"""Probes: exact, complete, told once, and without any trace in the training."""

import base64
import zlib
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers.modeling_utils import PreTrainedModel

from playground.domain.messages import Emit, Recorded
from playground.domain.presets import Architecture, Shape
from playground.domain.probing import coded, decoded, scheduled
from tests.workers.engine.attempts import Bench, Up, exact, metrics, of_type, remember
from workers.engine import models
from workers.engine import tokenizer as bpe
from workers.engine.layers import layer_of, lengths, ordered
from workers.engine.looking import Look, Pinned, look
from workers.engine.probes import kept
from workers.engine.share import Share
from workers.engine.spelling import Spelling
from workers.engine.watched import watching

SENTENCES = ["the cat sees 小猫 🦊.", "And then?"]
PROBED: dict[str, Any] = {"probes": SENTENCES, "probe_words": ["cat", "dog", "owl", "小猫"]}
PLENTY: dict[str, Any] = {"steps": 12, "sample_tokens": 1}


def network(architecture: Architecture, kv_heads: int = 4) -> PreTrainedModel:
    """A small network of two layers, in training mode and with dropout, as a run has it."""
    shape = Shape(
        architecture=architecture,
        n_layer=2,
        n_head=4,
        n_kv_head=kv_heads,
        d_model=32,
        d_ff=64,
        vocab_size=300,
        block_size=32,
        tie=True,
    )
    model = models.build(shape, 0.1, None, 3, torch.device("cpu"), pad=0)
    model.train()
    return model


@torch.no_grad()
def eager(model: PreTrainedModel, ids: torch.Tensor) -> torch.Tensor:
    """(layers, heads, tokens, tokens) from transformers' own eager attention."""
    model.eval()
    model.set_attn_implementation("eager")
    answer = model(input_ids=ids, output_attentions=True)
    return torch.stack([weights[0] for weights in answer.attentions])


@pytest.mark.parametrize(("architecture", "kv_heads"), [("llama", 4), ("llama", 2), ("gpt2", 4), ("bert", 4)])
@torch.no_grad()
def test_attention_is_that_of_the_eager_form(architecture: Architecture, kv_heads: int) -> None:
    model = network(architecture, kv_heads)
    ids = torch.randint(1, 300, (1, 20), generator=torch.Generator().manual_seed(0))
    before = torch.get_rng_state()
    with watching(model) as kept:
        logits = model(input_ids=ids).logits
        seen = torch.stack([weights[0] for weights in kept])
    assert torch.equal(torch.get_rng_state(), before)
    assert model.training
    assert model.config._attn_implementation == "vitrine"
    usual = model.eval()(input_ids=ids).logits
    torch.testing.assert_close(logits, usual, rtol=1e-5, atol=1e-6)
    expected = eager(model, ids)
    torch.testing.assert_close(seen, expected, rtol=1e-5, atol=1e-6)
    assert seen.shape == (2, 4, 20, 20)
    codes, exact = (coded(weights.numpy()).astype(int) for weights in (seen, expected))
    assert np.abs(codes - exact).max() <= 1


@torch.no_grad()
def test_a_look_gives_the_probabilities_of_the_network_itself() -> None:
    spelling = Spelling(bpe.train(iter(["the cat sees the dog. " * 50]), 300))
    pinned = Pinned("", [40, 50, 60, 70, 80], cut=False, gaps=[])
    model = network("llama")
    found = look(model, pinned, spelling, "causal", None)
    odds = torch.softmax(model.eval()(input_ids=torch.tensor([pinned.ids])).logits[0], -1)
    assert found is not None
    for place, true in enumerate(pinned.ids[1:]):
        assert found.places[place]["p"] == pytest.approx(float(odds[place, true]), rel=1e-3)
    assert found.places[4]["top"][0][1] == pytest.approx(float(odds[4].max()), rel=1e-3)
    encoder = network("bert").eval()
    filled = look(encoder, pinned, spelling, "full", 7)
    assert filled is not None
    for place, true in enumerate(pinned.ids):
        hidden = [7 if at == place else index for at, index in enumerate(pinned.ids)]
        said = torch.softmax(encoder(input_ids=torch.tensor([hidden])).logits[0, place], -1)
        assert filled.places[place]["p"] == pytest.approx(float(said[true]), rel=1e-3)


def attention(emit: Emit, sentence: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The weights of a sentence as they were recorded."""
    codes = np.frombuffer(zlib.decompress(base64.b64decode(emit.blobs[sentence])), dtype=np.uint8)
    return decoded(codes.reshape(shape))


def records(said: list[Up]) -> list[Emit]:
    return list(of_type(said, "probe"))


def test_a_record_says_all_of_every_sentence(bench: Bench) -> None:
    said = bench.run(**PROBED, **PLENTY)
    found = records(said)
    assert [found[0].data["step"], found[-1].data["step"]] == [1, 12]
    assert all(scheduled(emit.data["step"]) or emit.data["step"] == 12 for emit in found)
    about = found[0].data["about"]
    assert [one["text"] for one in about["sentences"]] == SENTENCES
    assert (about["layers"], about["heads"], about["sight"], about["vectors"]) == (1, 2, "causal", "embedding")
    assert about["words"] == PROBED["probe_words"]
    assert all("about" not in emit.data for emit in found[1:])
    for place, sentence in enumerate(about["sentences"]):
        tokens = sentence["tokens"]
        assert "".join(token["text"] for token in tokens) == SENTENCES[place]
        for emit in found:
            said_of = emit.data["sentences"][place]
            assert len(said_of["places"]) == len(tokens)
            assert all(1 <= len(each["top"]) <= 5 for each in said_of["places"])
            assert "p" not in said_of["places"][-1]
            assert said_of["loss"] > 0
            weights = attention(emit, place, (1, 2, len(tokens), len(tokens)))
            assert np.abs(weights.sum(-1) - 1).max() < 0.02
            assert not np.triu(weights, 1).any()
    vectors = np.frombuffer(zlib.decompress(base64.b64decode(found[-1].blobs[2])), dtype="<f4").reshape(4, 16)
    assert np.isfinite(vectors).all()
    assert found[-1].data["layers"]["name"] == ["embedding", "0", "head"]
    assert all(length > 0 for length in found[-1].data["layers"]["update"])
    assert "sample" in found[0].data
    assert "sample" not in found[-1].data


def test_the_true_next_token_has_the_probability_that_it_is_said_to_have(bench: Bench) -> None:
    said = bench.run(probes=["the cat sees the cat."], steps=60, eval_interval=60)
    last = records(said)[-1].data["sentences"][0]
    tops = {place["rank"]: (place["top"], place["p"]) for place in last["places"] if place.get("rank") is not None}
    assert tops
    for rank, (top, p) in tops.items():
        assert top[rank][1] == p
    assert last["loss"] < records(said)[0].data["sentences"][0]["loss"]


@pytest.mark.parametrize("options", [{}, {"precision": "bf16", "dropout": 0.2}])
def test_the_training_does_not_notice(new_bench: Callable[..., Bench], options: dict[str, Any]) -> None:
    without, watched = (metrics(new_bench().run(**more, **options, **PLENTY)) for more in ({}, PROBED))
    for name in ("loss", "grad_norm", "learning_rate", "val_loss"):
        assert exact(without[name]) == exact(watched[name])


def test_a_resumed_run_records_the_same_and_each_step_once(new_bench: Callable[..., Bench]) -> None:
    whole = {emit.data["step"]: emit for emit in records(new_bench().run(**PROBED, **PLENTY))}
    bench = new_bench()
    first = bench.start(**PROBED, **PLENTY, checkpoint_interval=2)
    first.until_step(5)
    said = first.kill()
    told = [emit.data["step"] for emit in records(said)]
    known = remember(said).model_copy(update={"probe": told[-1]})
    again = records(bench.start(known, **PROBED, **PLENTY).finish())
    steps = [emit.data["step"] for emit in again]
    assert not set(steps) & set(told)
    assert steps[-1] == 12
    for emit in again:
        if emit.data["step"] in whole:
            told_before = whole[emit.data["step"]]
            assert emit.data["sentences"] == told_before.data["sentences"]
            assert emit.blobs == told_before.blobs


def test_a_record_that_was_lost_with_its_worker_comes_again(bench: Bench) -> None:
    first = bench.start(**PROBED, **PLENTY, checkpoint_interval=1)
    first.until_step(6)
    lost = records(first.kill())
    again = records(bench.start(Recorded(), **PROBED, **PLENTY).finish())
    assert again[0].data["step"] == 1
    assert again[0] == lost[0]


def test_what_is_asked_for_is_recorded(bench: Bench) -> None:
    attempt = bench.start(**{**PROBED, "steps": 3000}, eval_interval=3000, sample_interval=3000)
    attempt.until_step(40)
    attempt.ask("probe")
    while not any(not scheduled(emit.data["step"]) for emit in records(attempt.said)):
        assert attempt.read() is not None
    attempt.ask("stop")
    attempt.finish()


def test_a_long_sentence_is_cut_and_said_so(bench: Bench) -> None:
    said = bench.run(probes=["the cat sees the dog. " * 20], steps=1)
    about = records(said)[0].data["about"]
    assert about["sentences"][0]["cut"]
    assert len(about["sentences"][0]["tokens"]) == 16  # the block
    assert any("too long" in message.data["message"] for message in of_type(said, "log"))


def test_a_masked_model_is_asked_for_each_token_or_for_the_gaps(bench: Bench) -> None:
    sentences = ["the cat sees the dog.", "the cat [MASK] the dog."]
    said = bench.start(kind="mlm", probes=sentences, steps=3, block_size=32, vocab_size=400).finish()
    first = records(said)[0]
    about = first.data["about"]
    assert about["sight"] == "full"
    assert "sample" not in first.data
    plain, gapped = first.data["sentences"]
    tokens = about["sentences"][0]["tokens"]
    assert (tokens[0]["special"], tokens[-1]["special"]) == (True, True)
    assert [bool(place) for place in plain["places"]] == [not token["special"] for token in tokens]
    assert all(0 < place["p"] < 1 for place in plain["places"] if place)
    asked = [place for place in gapped["places"] if place]
    assert len(asked) == 1
    assert "p" not in asked[0]
    assert gapped["loss"] is None
    weights = attention(first, 0, (1, 2, len(tokens), len(tokens)))
    assert np.triu(weights, 1).any()
    assert np.abs(weights.sum(-1) - 1).max() < 0.03


def test_layers_are_told_apart_by_the_names_of_their_weights() -> None:
    architectures: tuple[Architecture, ...] = ("llama", "gpt2", "bert")
    for architecture in architectures:
        weights = dict(network(architecture).named_parameters())
        assert ordered(weights) == ["embedding", "0", "1", "head"]
        found = lengths({name: weight.detach() for name, weight in weights.items()})
        own = [weight.detach() for name, weight in weights.items() if layer_of(name) == "1"]
        assert found["1"] == pytest.approx(float(torch.cat([tensor.flatten() for tensor in own]).norm()))


def test_what_is_too_much_to_keep_is_kept_coarser_or_not_at_all() -> None:
    torch.manual_seed(0)
    weights = torch.softmax(torch.randn(3, 4, 20, 20), -1)
    looks = [Look(weights, []), Look(weights[..., :8, :8], [])]
    detail, parts = kept(looks, 10**6)
    whole = sum(map(len, parts))
    assert detail == "heads"
    assert len(zlib.decompress(parts[0])) == 3 * 4 * 20 * 20
    detail, parts = kept(looks, whole - 1)
    assert detail == "layers"
    found = np.frombuffer(zlib.decompress(parts[0]), np.uint8).reshape(3, 20, 20)
    assert np.array_equal(found, coded(weights.mean(1).numpy()))
    assert kept(looks, 100) == ("none", [b"", b""])
    assert kept([Look(torch.zeros(0, 0, 5, 5), [])], 10**6) == ("none", [b""])


class Clock:
    """A clock that goes on when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def taken(cost: float, seconds: float, records: int) -> list[int]:
    """Which of so many records are made, each of a cost, in a run of so many seconds at 3 %."""
    clock = Clock()
    share = Share(0.03, clock)
    made = []
    for index in range(records):
        if share.affords(records - index, seconds):
            begun = share.begin()
            clock.now += cost
            share.end(begun)
            made.append(index)
    return made


def test_all_records_are_made_where_there_is_time_for_them() -> None:
    assert taken(0.1, 1000, 20) == list(range(20))


def test_a_run_that_is_too_short_has_its_first_record_and_no_more() -> None:
    assert taken(1.0, 10, 20) == [0]


def test_too_many_records_are_thinned_evenly_and_stay_within_the_share() -> None:
    made = taken(1.0, 300, 20)  # nine seconds for records of one second, one of them kept for the last
    assert 6 <= len(made) <= 8
    assert max(later - earlier for earlier, later in pairwise(made)) <= 4
    assert made[-1] >= 15
