"""Which tokens of a vocabulary have a role: mask, padding, beginning and end.

Files name them in `tokenizer_config.json`; where there is none, by the names that the field has settled on.
"""

from typing import Any

from tokenizers import Tokenizer

NAMES = {
    "mask": ("[MASK]", "<mask>"),
    "pad": ("[PAD]", "<pad>", "<|pad|>"),
    "cls": ("[CLS]", "<s>"),
    "sep": ("[SEP]", "</s>"),
    "unk": ("[UNK]", "<unk>"),
    "bos": ("<|endoftext|>", "<s>", "<|begin_of_text|>"),
    "eos": ("<|endoftext|>", "</s>", "<|im_end|>", "<|end_of_text|>"),
}
"""The usual names of each role, the likeliest first."""


def special_ids(tokenizer: Tokenizer, config: dict[str, Any] | None = None) -> dict[str, int]:
    """The id of each role that the tokenizer has; `config` is the content of its tokenizer_config.json, if any."""
    found = {}
    for role, usual in NAMES.items():
        named = (config or {}).get(f"{role}_token")
        text = named.get("content") if isinstance(named, dict) else named
        ids = (tokenizer.token_to_id(name) for name in ((text,) if isinstance(text, str) else usual))
        index = next((index for index in ids if index is not None), None)
        if index is not None:
            found[role] = index
    return found
