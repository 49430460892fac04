"""Byte-level BPE: trained on a corpus as it streams by, saved as a folder that AutoTokenizer opens.

The alphabet is the 256 bytes, so that any text can be written and nothing is ever unknown. Training is
deterministic: the same chunks and vocabulary size give the same merges.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from playground.domain.errors import BadInput
from playground.domain.special import special_ids
from workers.engine import wordpiece

END_OF_TEXT = "<|endoftext|>"
MASKED_ROLES = {"unk", "pad", "cls", "sep", "mask"}
"""The special tokens that transformers wants to be told of, for a tokenizer that has a mask."""


def train(chunks: Iterator[str], vocab_size: int) -> Tokenizer:
    """A tokenizer of at most `vocab_size` tokens: end-of-text, the 256 bytes, then merges by frequency."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(chunks, trainer)
    return tokenizer


ALGORITHMS: dict[str, Callable[[Iterator[str], int], Tokenizer]] = {"bpe": train, "wordpiece": wordpiece.train}
"""Which function trains the tokenizer that a kind asks for."""
TITLES = {"bpe": "BPE", "wordpiece": "WordPiece"}


def save(tokenizer: Tokenizer, folder: Path, context: int | None, given: dict[str, Any] | None = None) -> None:
    """Write tokenizer.json and tokenizer_config.json; `context` is the longest input of the model beside it.

    `given` are entries of the configuration that come from elsewhere.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config: dict[str, Any] = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False}
    if end_of_text(tokenizer) is not None:
        config |= {"bos_token": END_OF_TEXT, "eos_token": END_OF_TEXT}
    special = special_ids(tokenizer)
    if "mask" in special:
        config |= {f"{role}_token": tokenizer.id_to_token(special[role]) for role in MASKED_ROLES & special.keys()}
    config |= given or {}
    if context is not None:
        config["model_max_length"] = context
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def load(path: Path) -> Tokenizer:
    """Open a tokenizer.json, or the one in a folder. Raises BadInput for one that cannot be read."""
    file = path / "tokenizer.json" if path.is_dir() else path
    try:
        return Tokenizer.from_file(str(file))
    except Exception as error:
        raise BadInput(f"The tokenizer cannot be read: {error}") from error


def config_of(path: Path) -> dict[str, Any] | None:
    """What the tokenizer_config.json beside a tokenizer.json says, or None where there is none that can be read."""
    try:
        found = json.loads((path.parent / "tokenizer_config.json").read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def end_of_text(tokenizer: Tokenizer) -> int | None:
    """Id of the token that ends a document, or None if the vocabulary has none."""
    found: int | None = tokenizer.token_to_id(END_OF_TEXT)
    return found
