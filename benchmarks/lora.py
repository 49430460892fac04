"""Instruction tuning with LoRA: our engine and TRL's SFTTrainer on the same base, examples and prompts in turns.

The base is a Qwen2 of 19 million random weights, the examples are Alpaca's form. Ours packs examples into rows of 512
tokens that do not see each other; TRL pads (as shipped) or packs. What is compared is tokens that are no padding.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from benchmarks.clm import ANY_ID
from benchmarks.duel import THREADS, Contestant, Laps, duel
from benchmarks.tokens import SHAKESPEARE, text
from playground.domain.instructions import templates
from playground.domain.instructions.records import read

EXAMPLES = SHAKESPEARE.with_name("instructions.jsonl")
VOCABULARY, END = 16_000, "<|endoftext|>"
OURS, SHIPPED, PACKED = "ours", "TRL as shipped", "TRL packed"
SETTINGS: dict[str, dict[str, Any]] = {
    SHIPPED: {"per_device_train_batch_size": 8},
    PACKED: {
        "per_device_train_batch_size": 2,
        "packing": True,
        "packing_strategy": "wrapped",
        "gradient_checkpointing": False,
    },
}


def rows() -> list[str]:
    """Lines of instructions in Alpaca's form, from beside the repository or made of the starter text."""
    if EXAMPLES.exists():
        return EXAMPLES.read_text(encoding="utf-8").splitlines()
    lines = [line for line in text(200_000).splitlines() if len(line) > 40]
    made = ({"instruction": f"Go on: {line[:30]}", "input": "", "output": line[30:] * 6} for line in lines[:200])
    return [json.dumps(row) for row in made]


def base(folder: Path, lines: list[str]) -> None:
    """Write a random Qwen2 with a byte-level tokenizer that has been trained on the examples and on prose."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=[END], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator([*lines, text(1_100_000)], trainer)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END, pad_token=END).save_pretrained(folder)
    torch.manual_seed(1)
    config = Qwen2Config(
        vocab_size=VOCABULARY,
        hidden_size=384,
        intermediate_size=1024,
        num_hidden_layers=8,
        num_attention_heads=6,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=0,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)


def measure(rounds: int = 3) -> dict[str, Laps]:
    """All of them in turns."""
    lines, template = rows(), templates.parse("alpaca")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        base(folder / "base", lines)
        (folder / "rows.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        parted = []
        for number, line in enumerate(lines, 1):
            record = read(line, number, None)
            if record is not None and not record.empty:
                spans = template.spans(record)
                prompt, answer = (
                    "".join(span.text for span in spans if span.learned is part) for part in (False, True)
                )
                parted.append(json.dumps({"prompt": prompt, "completion": answer + END}))
        (folder / "parted.jsonl").write_text("\n".join(parted) + "\n", encoding="utf-8")
        params = {"corpus": ANY_ID, "model": ANY_ID, "batch_size": 2, "block_size": 512, "held_out": 0.01, "rank": 8}
        inputs = {"corpus": str(folder / "rows.jsonl"), "model": str(folder / "base")}
        ours = {"threads": THREADS, "kind": "lora_sft", "params": params, "inputs": inputs}
        peer = {"threads": THREADS, "rows": str(folder / "parted.jsonl"), "model": str(folder / "base")}
        contestants = [Contestant(OURS, "benchmarks.ours", ours)]
        contestants += [
            Contestant(name, "benchmarks.peers.sft", {**peer, "settings": settings})
            for name, settings in SETTINGS.items()
        ]
        return duel(contestants, rounds)
