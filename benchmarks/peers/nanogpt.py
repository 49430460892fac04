"""A reference of nanoGPT's recipe, written from its public description.

GPT-2 with the fused attention of torch, one linear layer for the output over all positions, cross-entropy of the
logits, AdamW (fused, decay for matrices only), clipping at 1, random crops of one array of tokens. On a CPU the recipe
computes in fp32. With `compile`, the model is compiled as a whole.
"""

import json
import math
import sys
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.pace import Pace


class Block(nn.Module):
    """One layer: attention and feed-forward, each after a normalization and added to what came in."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.packed, self.mixed = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, block, width) to the same."""
        batch, block, width = x.shape
        parts = self.packed(self.first(x)).split(width, dim=2)
        query, key, value = (part.view(batch, block, self.heads, -1).transpose(1, 2) for part in parts)
        seen = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.mixed(seen.transpose(1, 2).contiguous().view(batch, block, width))
        wide: Tensor = self.narrow(functional.gelu(self.widen(self.second(x))))
        return x + wide


class GPT(nn.Module):
    """The network, from token ids to its loss."""

    def __init__(self, vocabulary: int, block: int, layers: int, width: int, heads: int) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(vocabulary, width), nn.Embedding(block, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.last = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)
        self.head.weight = self.tokens.weight
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                spread = 0.02 / math.sqrt(2 * layers) if name.endswith(("mixed.weight", "narrow.weight")) else 0.02
                nn.init.normal_(parameter, std=spread)

    def forward(self, ids: Tensor, labels: Tensor) -> Tensor:
        """Mean loss of (batch, block) ids."""
        x = self.tokens(ids) + self.places(torch.arange(ids.shape[1]))
        for layer in self.blocks:
            x = layer(x)
        logits = self.head(self.last(x))
        return functional.cross_entropy(logits.view(-1, logits.shape[-1]), labels.view(-1))


def main(spec: dict[str, Any]) -> None:
    """Train until the driver has seen enough."""
    torch.set_num_threads(spec["threads"])
    torch.manual_seed(1)
    batch, block = spec["batch"], spec["block"]
    model = GPT(spec["vocabulary"], block, spec["layers"], spec["width"], spec["heads"])
    groups = [
        {"params": [weight for weight in model.parameters() if weight.ndim >= 2], "weight_decay": 0.1},
        {"params": [weight for weight in model.parameters() if weight.ndim < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=3e-3, betas=(0.9, 0.99), fused=True)
    run: Any = torch.compile(model) if spec["compile"] else model
    tokens, pace, step = np.load(spec["tokens"]).astype(np.uint16), Pace(), 0
    while True:
        pace.step(step * batch * block)
        places = torch.randint(len(tokens) - block, (batch,)).tolist()
        ids = torch.stack([torch.from_numpy(tokens[at : at + block].astype(np.int64)) for at in places])
        labels = torch.stack([torch.from_numpy(tokens[at + 1 : at + 1 + block].astype(np.int64)) for at in places])
        loss = run(ids, labels)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
