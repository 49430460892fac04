"""From the lines of a JSONL file to batches: encoded, held out, packed, shuffled.

Each example is prompt and completion, tokenized one after the other as they are when the model is asked, and a token
that ends it. Only completions and ends are learned. Held-out examples are chosen before packing; the order of the
blocks is drawn anew for each pass from the seed and the number of the pass, so that the batch of a step depends on
nothing else.
"""

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from playground.domain.errors import BadInput
from playground.domain.instructions import templates
from playground.domain.instructions.packing import first_fit_decreasing, grouped
from playground.domain.instructions.params import BLOCK, Tuning
from playground.domain.instructions.records import Record, read, refusal
from playground.domain.kind import Batch, Data, Split

IGNORED = -100
READ, LEARNED, END = 0, 1, 2
"""What a token is for: to be read, to be learned, or the place of the token that ends an example."""
_HELD_OUT, _ORDER = 3, 4
"""Stream numbers: random choices for different purposes are independent."""
Ids = NDArray[np.int64]


def opening(tokenizer: Tokenizer) -> str:
    """The special tokens that the tokenizer puts before every text, as text; most put none."""
    encoding = tokenizer.encode("a")
    count = next((at for at, special in enumerate(encoding.special_tokens_mask) if not special), 0)
    return "".join(tokenizer.id_to_token(index) or "" for index in encoding.ids[:count])


def encode(pieces: list[str], first: int, tokenizer: Tokenizer, params: Tuning) -> dict[str, NDArray[Any]]:
    """tokens and their uses (both flat), and for each example its size, its row, and whether it has an answer."""
    template, begin = templates.parse(params.template), opening(tokenizer)
    texts: list[str] = []
    uses: list[int] = []
    owners: list[int] = []
    records: list[Record] = []
    for number, line in enumerate(pieces, first):
        record = read(line, number, params.form)
        if record is None:
            continue
        for index, span in enumerate(template.spans(record)):
            texts.append(begin + span.text if index == 0 else span.text)
            uses.append(LEARNED if span.learned else READ)
            owners.append(len(records))
        texts.append("")
        uses.append(END)
        owners.append(len(records))
        records.append(record)
    encoded = [encoding.ids for encoding in tokenizer.encode_batch_fast(texts, add_special_tokens=False)]
    parts = [[0] if use == END else ids for ids, use in zip(encoded, uses, strict=True)]
    lengths = np.array([len(part) for part in parts], dtype=np.int64)
    sizes = np.bincount(np.array(owners, dtype=np.int64), lengths, len(records)).astype(np.int32)
    return {
        "tokens": np.array([index for part in parts for index in part], dtype=np.uint32),
        "uses": np.repeat(np.array(uses, dtype=np.uint8), lengths),
        "sizes": sizes,
        "rows": np.array([record.number for record in records], dtype=np.int64),
        "empty": np.array([record.empty for record in records], dtype=np.uint8),
    }


def arrange(data: Data, params: Tuning) -> Data:
    """Leave out what cannot be learned, hold examples back, pack. Raises BadInput where nothing is left."""
    block = block_of(params, data.context)
    sizes, empty = data.arrays["sizes"].astype(np.int64), data.arrays["empty"].astype(bool)
    starts = np.cumsum(sizes) - sizes
    sizes = sizes - _without_end(data, starts, sizes)
    # The last token of an example is only ever a label: it takes no place in the block.
    fits = (sizes - 1 <= block) & (sizes > 1)
    kept = np.flatnonzero(fits & ~empty)
    if len(kept) < 2:
        raise refusal(
            f"Of the {len(sizes):,} examples of the corpus {len(kept):,} have a completion and fit into a block of "
            f"{block:,} tokens; at least two are needed, one to learn from and one held out."
        )
    stream = np.random.Generator(np.random.Philox(key=[params.seed, _HELD_OUT]))
    shuffled = kept[stream.permutation(len(kept))]
    held = min(max(1, round(len(kept) * params.held_out)), len(kept) - 1)
    arrays = {**data.arrays, "starts": starts, "sizes": sizes}
    for split, chosen in (("held_out", np.sort(shuffled[:held])), ("train", np.sort(shuffled[held:]))):
        blocks = first_fit_decreasing(sizes[chosen] - 1, block) if params.packing else np.arange(len(chosen))
        arrays[f"{split}_items"], arrays[f"{split}_borders"] = grouped(chosen, blocks)
    done = replace(data, arrays=arrays, block=block)
    return replace(done, notes=(*data.notes, *_notes(done, params, block, fits, empty)))


def block_of(params: Tuning, context: int | None) -> int:
    """Tokens of a block: as asked, else what the base model sees. Raises BadInput where it sees less than asked."""
    if params.block_size is None:
        return BLOCK if context is None else min(BLOCK, context)
    if context is not None and params.block_size > context:
        message = f"The base model sees {context:,} tokens at once: the block size is at most that."
        raise BadInput(message, {"block_size": [message]})
    return params.block_size


def _without_end(data: Data, starts: Ids, sizes: Ids) -> Ids:
    """1 for examples that need no end: those that end with it already, or all, where the tokenizer has none."""
    end = data.special.get("eos")
    if end is None:
        return np.ones(len(sizes), dtype=np.int64)
    last = starts + np.maximum(sizes - 2, 0)
    redundant: Ids = (data.tokens[last] == end).astype(np.int64)
    return redundant


def _notes(data: Data, params: Tuning, block: int, fits: NDArray[np.bool_], empty: NDArray[np.bool_]) -> list[str]:
    """What was left out and why, in sentences."""
    notes, rows, total = [], data.arrays["rows"], len(fits)
    if empty.any():
        first = rows[empty][0]
        notes.append(
            f"{empty.sum():,} of {total:,} examples have an empty completion and are left out, first row {first}."
        )
    if not fits.all():
        long, first = np.flatnonzero(~fits), rows[~fits][0]
        prompts = sum(1 for at in long.tolist() if _prompt(data, at) > block)
        notes.append(
            f"{len(long):,} of {total:,} examples are longer than the block of {block:,} tokens and are left out, "
            f"first row {first}; {prompts:,} of them by their prompts alone."
        )
    if _alike(data, fits & ~empty):
        notes.append("All examples of the corpus are the same: the held-out part is no test of what is learned.")
    if "eos" not in data.special:
        notes.append("The tokenizer has no token that ends a text, so the model cannot learn to stop.")
    blocks = len(data.arrays["train_borders"]) - 1
    if blocks < params.batch_size:
        notes.append(f"The examples fill {blocks:,} blocks only, so that a batch has {blocks:,} of them.")
    return notes


def _alike(data: Data, kept: NDArray[np.bool_]) -> bool:
    """Whether all examples that are learned from are one and the same."""
    starts, sizes = data.arrays["starts"][kept].tolist(), data.arrays["sizes"][kept]
    size = int(sizes[0])
    first = data.tokens[starts[0] : starts[0] + size]
    return bool((sizes == size).all()) and all(np.array_equal(data.tokens[at : at + size], first) for at in starts)


def _prompt(data: Data, example: int) -> int:
    """Tokens before the first that is learned."""
    start = int(data.arrays["starts"][example])
    uses = data.arrays["uses"][start : start + int(data.arrays["sizes"][example])]
    return int(np.argmax(uses > READ)) if (uses > READ).any() else len(uses)


def batch(data: Data, params: Tuning, split: Split, step: int, micro: int) -> Batch | None:
    """The blocks of a forward pass; those to evaluate are spread evenly (`micro` counts them; None at the end)."""
    blocks = len(data.arrays[f"{split}_borders"]) - 1
    size = min(params.batch_size, blocks)
    if split == "held_out":
        wanted = min(blocks, params.eval_batches * size)
        places = np.arange(micro * size, min((micro + 1) * size, wanted))
        if not len(places):
            return None
        return _rows(data, params, split, places * blocks // wanted)
    begin = ((step - 1) * params.gradient_accumulation + micro) * size
    places = np.arange(begin, begin + size)
    chosen = [int(_order(params.seed, int(place) // blocks, blocks)[int(place) % blocks]) for place in places]
    return _rows(data, params, split, np.array(chosen))


@lru_cache(maxsize=8)
def _order(seed: int, epoch: int, blocks: int) -> Ids:
    """The blocks in the order of one pass over the corpus."""
    stream = np.random.Generator(np.random.Philox(key=[seed, _ORDER], counter=[0, 0, 0, epoch]))
    return stream.permutation(blocks)


def _rows(data: Data, params: Tuning, split: Split, chosen: Ids) -> Batch:
    """Blocks as arrays, with padding behind the last example; without packing they end with the longest example."""
    items, borders = data.arrays[f"{split}_items"], data.arrays[f"{split}_borders"]
    rows = [[_example(data, int(item)) for item in items[borders[at] : borders[at + 1]]] for at in chosen]
    longest = max(sum(len(ids) - 1 for ids, _ in row) for row in rows)
    shape = (len(rows), data.block or BLOCK if params.packing else longest)
    pad = data.special.get("pad", data.special.get("eos", 0))
    inputs, labels = np.full(shape, pad, dtype=np.int64), np.full(shape, IGNORED, dtype=np.int64)
    documents, positions = np.full(shape, -1, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    for number, row in enumerate(rows):
        at = 0
        for document, (ids, uses) in enumerate(row):
            here = (number, slice(at, at + len(ids) - 1))
            inputs[here], labels[here] = ids[:-1], np.where(uses[1:] > READ, ids[1:], IGNORED)
            documents[here], positions[here] = document, np.arange(len(ids) - 1)
            at += len(ids) - 1
    return Batch(inputs=inputs, labels=labels, documents=documents, positions=positions)


def _example(data: Data, example: int) -> tuple[Ids, NDArray[np.uint8]]:
    """Token ids and uses of one example, its end in place."""
    start, size = int(data.arrays["starts"][example]), int(data.arrays["sizes"][example])
    ids, uses = data.tokens[start : start + size].astype(np.int64), data.arrays["uses"][start : start + size]
    return np.where(uses == END, data.special.get("eos", 0), ids), uses
