"""BERT: a network that reads a text from both sides, what it says of hidden tokens, and how well it says it.

The head over the vocabulary is the most expensive layer of a small model. It is computed for the positions that have a
label, about one in seven, and never for the others.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers.modeling_utils import PreTrainedModel
from transformers.models.bert.configuration_bert import BertConfig
from transformers.models.bert.modeling_bert import BertForMaskedLM, BertForPreTraining

from playground.domain.estimate import GRANULE, loss_rows
from playground.domain.presets import Shape
from workers.engine.batches import IGNORED, Tensors, visible

MASKED = frozenset({"bert"})
"""Model types, as config.json names them, that fill in blanks."""


def is_masked(folder: Path) -> bool:
    """Whether the model of a folder fills in blanks; a folder that cannot be read has none that does."""
    try:
        return json.loads((folder / "config.json").read_bytes()).get("model_type") in MASKED
    except (OSError, ValueError, AttributeError):
        return False


def configure(shape: Shape, dropout: float, pad: int | None) -> BertConfig:
    """The transformers configuration of a shape; `pad` is the id of the padding token."""
    return BertConfig(
        vocab_size=shape.vocab_size,
        hidden_size=shape.d_model,
        num_hidden_layers=shape.n_layer,
        num_attention_heads=shape.n_head,
        intermediate_size=shape.d_ff,
        max_position_embeddings=shape.block_size,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        pad_token_id=pad,
    )


def network(config: BertConfig, *, pairs: bool) -> PreTrainedModel:
    """A network with fresh weights; with `pairs` it also has the layers that judge pairs of texts."""
    return BertForPreTraining(config) if pairs else BertForMaskedLM(config)


def states_of(model: Any, batch: Tensors) -> Tensor:
    """(batch, block, width): what the last layer says about each position, having seen both sides of it."""
    given = {"input_ids": batch.inputs}
    if batch.segments is not None:
        given["token_type_ids"] = batch.segments
    if batch.positions is not None:
        given["position_ids"] = batch.positions
    if batch.documents is not None:
        given["attention_mask"] = visible(batch.documents, model.dtype, causal=False)
    states: Tensor = model.bert(**given).last_hidden_state
    return states


class Picked(torch.autograd.Function):
    """Some rows of an array, of which the first `count` are each another row and the rest get no gradient.

    index_select does not know that, and sums up gradients row by row.
    """

    apply: Callable[[Tensor, Tensor, int], Tensor]

    @staticmethod
    def forward(ctx: Any, rows: Tensor, chosen: Tensor, count: int) -> Tensor:
        """(rows, width), (chosen,) -> (chosen, width)."""
        ctx.save_for_backward(chosen[:count])
        ctx.shape = rows.shape
        return rows.index_select(0, chosen)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, None, None]:
        """Each gradient in its place, zero elsewhere."""
        (chosen,) = ctx.saved_tensors
        return upstream[0].new_zeros(ctx.shape).index_copy_(0, chosen, upstream[0][: len(chosen)]), None, None


def asked(model: Any, states: Tensor, batch: Tensors) -> tuple[Tensor, Tensor]:
    """The positions that have a label, ready for the output layer (rows, width), and the labels (rows,).

    Rows without a label fill them up to a multiple of GRANULE.
    """
    labels = batch.labels.reshape(-1)
    chosen = (labels != IGNORED).nonzero()[:, 0]
    extra = -len(chosen) % GRANULE
    filled = nn.functional.pad(chosen, (0, extra))
    rows = Picked.apply(states.reshape(-1, states.shape[-1]), filled, len(chosen))
    return model.cls.predictions.transform(rows), nn.functional.pad(labels[chosen], (0, extra), value=IGNORED)


def follows(model: Any, states: Tensor) -> Tensor:
    """(batch, 2): logits of whether the second text of a pair follows the first, or was taken from elsewhere."""
    found: Tensor = model.cls.seq_relationship(model.bert.pooler(states))
    return found.float()


def judge(model: Any, batch: Tensors) -> dict[str, tuple[float, int]]:
    """Sum and count of what a batch of held-out text tells: losses in nats ("loss/..."), right answers."""
    states = states_of(model, batch)
    rows, labels = asked(model, states, batch)
    loss, right, size = 0.0, 0, loss_rows(model.config.vocab_size)
    count = int((labels != IGNORED).sum())
    for start in range(0, len(rows), size):
        logits = model.cls.predictions.decoder(rows[start : start + size]).float()
        wanted = labels[start : start + size]
        loss += nn.functional.cross_entropy(logits, wanted, ignore_index=IGNORED, reduction="sum").item()
        right += int((logits.argmax(-1) == wanted).sum())
    found = {"loss/masked": (loss, count), "val_accuracy": (float(right), count)}
    if batch.answers is not None:
        logits = follows(model, states)
        loss = nn.functional.cross_entropy(logits, batch.answers, reduction="sum").item()
        agreed = float((logits.argmax(-1) == batch.answers).sum())
        found |= {"loss/pairs": (loss, len(logits)), "val_pair_accuracy": (agreed, len(logits))}
    return found


@torch.no_grad()
def likeliest(model: Any, ids: list[int], mask: int, count: int) -> list[tuple[int, Tensor, Tensor]]:
    """For each mask among `ids`: its place, the ids of the `count` likeliest tokens and their probabilities."""
    rows = torch.tensor([ids], device=model.device)
    states = model.bert(input_ids=rows).last_hidden_state[0]
    places = (rows[0] == mask).nonzero()[:, 0]
    logits = model.cls.predictions.decoder(model.cls.predictions.transform(states[places])).float()
    best = torch.topk(torch.softmax(logits, dim=-1), min(count, logits.shape[-1]))
    found = zip(places.tolist(), best.indices.cpu(), best.values.cpu(), strict=True)
    return list(found)
