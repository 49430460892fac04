"""TRL's SFTTrainer with a LoRA adapter of PEFT's, on prompts and completions; as shipped, or packed."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import SFTConfig, SFTTrainer

from benchmarks.pace import Pace


class Paced(TrainerCallback):
    """Asks the driver before each step; the collator tells it how many tokens are no padding."""

    def __init__(self) -> None:
        self._pace, self.tokens = Pace(), 0.0

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        """Wait for the driver."""
        self._pace.step(self.tokens)

    def counting(self, collate: Any) -> Any:
        """The collator, with its real tokens counted."""

        def counted(rows: list[Any]) -> Any:
            batch = collate(rows)
            mask = batch.get("attention_mask")
            self.tokens += batch["input_ids"].numel() if mask is None else int(mask.sum())
            return batch

        return counted


def main(spec: dict[str, Any]) -> None:
    """Train until the driver has seen enough."""
    torch.set_num_threads(spec["threads"])
    with Path(spec["rows"]).open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    factory: Any = AutoModelForCausalLM
    with tempfile.TemporaryDirectory() as folder:
        settings = SFTConfig(
            output_dir=folder,
            max_steps=1_000_000,
            max_length=512,
            learning_rate=1e-3,
            lr_scheduler_type="constant",
            optim="adamw_torch_fused",
            logging_strategy="no",
            save_strategy="no",
            report_to=[],
            use_cpu=True,
            disable_tqdm=True,
            **spec["settings"],
        )
        paced = Paced()
        trainer = SFTTrainer(
            model=factory.from_pretrained(spec["model"], dtype=torch.float32),
            args=settings,
            train_dataset=Dataset.from_list(rows),
            processing_class=AutoTokenizer.from_pretrained(spec["model"]),
            peft_config=LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM"),
            callbacks=[paced],
        )
        trainer.data_collator = paced.counting(trainer.data_collator)
        trainer.train()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
