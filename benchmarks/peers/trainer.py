"""Hugging Face's Trainer on language models: a causal one, or a masked one with its own collator."""

import json
import sys
import tempfile
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset
from transformers import (
    BertConfig,
    BertForMaskedLM,
    DataCollatorForLanguageModeling,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from benchmarks.pace import Pace


class Blocks(Dataset[dict[str, Any]]):
    """A tokenized text as blocks of equal length."""

    def __init__(self, tokens: Any, block: int, labels: bool) -> None:
        self._rows = torch.from_numpy(tokens[: len(tokens) // block * block].reshape(-1, block))
        self._labels = labels

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        row = self._rows[index]
        return {"input_ids": row, "labels": row} if self._labels else {"input_ids": row}


class Paced(TrainerCallback):
    """Asks the driver before each step."""

    def __init__(self, per_step: int) -> None:
        self._pace, self._per_step, self._steps = Pace(), per_step, 0

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        """Wait for the driver."""
        self._pace.step(self._steps * self._per_step)
        self._steps += 1


def network(spec: dict[str, Any]) -> Any:
    """The network of the specification, from its configuration, without dropout."""
    layers, width, heads, block, vocabulary = (
        spec[name] for name in ("layers", "width", "heads", "block", "vocabulary")
    )
    torch.manual_seed(1)
    if spec["architecture"] == "gpt2":
        dropouts: dict[str, Any] = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
        sizes: dict[str, Any] = {"n_positions": block, "n_embd": width, "n_layer": layers, "n_head": heads}
        return GPT2LMHeadModel(GPT2Config(vocab_size=vocabulary, bos_token_id=0, eos_token_id=0, **sizes, **dropouts))
    sizes = {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "max_position_embeddings": block,
        "intermediate_size": spec["inner"],
    }
    if spec["architecture"] == "bert":
        return BertForMaskedLM(BertConfig(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, **sizes))
    return LlamaForCausalLM(LlamaConfig(tie_word_embeddings=True, bos_token_id=0, eos_token_id=0, **sizes))


def main(spec: dict[str, Any]) -> None:
    """Train until the driver has seen enough."""
    torch.set_num_threads(spec["threads"])
    masked = spec["architecture"] == "bert"
    with tempfile.TemporaryDirectory() as folder:
        settings = TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=spec["batch"],
            max_steps=1_000_000,
            learning_rate=3e-3,
            optim="adamw_torch_fused",
            bf16=spec["bf16"],
            torch_compile=spec["compile"],
            logging_strategy="no",
            save_strategy="no",
            report_to=[],
            use_cpu=True,
            disable_tqdm=True,
        )
        collator = None
        if masked:
            tokenizer = PreTrainedTokenizerFast(
                tokenizer_file=spec["tokenizer"], mask_token="[MASK]", pad_token="[PAD]"
            )
            collator = DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.15)
        data = Blocks(np.load(spec["tokens"]), spec["block"], labels=not masked)
        paced = Paced(spec["batch"] * spec["block"])
        trainer = Trainer(network(spec), settings, data_collator=collator, train_dataset=data, callbacks=[paced])
        trainer.train()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
