"""A byte-level BPE tokenizer in the form that llama.cpp reads: tokens, their sorts, merges, and how text is parted.

llama.cpp knows the expressions that part a text by name only, so a tokenizer whose expression has no name there is
refused: the file would cut text otherwise than the model has learned it.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gguf import GGUFWriter, TokenType
from tokenizers import Tokenizer

from playground.domain.tokenization.patterns import CL100K, GPT2, O200K
from workers.engine.llamacpp.architecture import refusal

QWEN2 = CL100K.replace(r"\p{N}{1,3}", r"\p{N}")
PARTED = {GPT2: "gpt-2", CL100K: "llama-bpe", QWEN2: "qwen2", O200K: "gpt-4o"}
"""llama.cpp's name of each expression."""

ROLES = ("bos", "eos", "pad", "unk", "sep", "mask")
FIRST = "a"
"""A text whose first token shows whether the tokenizer begins each text with a special one."""


@dataclass(frozen=True)
class Vocabulary:
    """Everything about a tokenizer that goes into the file; `ids` are special tokens by role."""

    tokens: list[str]
    types: list[TokenType]
    merges: list[str]
    parted: str
    ids: dict[str, int]
    begins: bool
    template: str | None = None
    roles: tuple[str, ...] = field(default=ROLES)

    def describe(self, writer: GGUFWriter) -> None:
        """Write it."""
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(self.parted)
        writer.add_token_list(self.tokens)
        writer.add_token_types(self.types)
        writer.add_token_merges(self.merges)
        for role, number in self.ids.items():
            getattr(writer, f"add_{role}_token_id")(number)
        writer.add_add_bos_token(self.begins)
        writer.add_add_eos_token(False)
        if self.template is not None:
            writer.add_chat_template(self.template)


def read(folder: Path, config: Any) -> Vocabulary:
    """The vocabulary of a model folder, as long as its network's. Raises BadInput for one llama.cpp cannot have."""
    described = json.loads((folder / "tokenizer.json").read_bytes())
    model = described["model"]
    if model.get("type") != "BPE" or model.get("byte_fallback"):
        raise refusal("its tokenizer is not byte-level BPE")
    if model.get("continuing_subword_prefix") or model.get("end_of_word_suffix"):
        raise refusal("its tokenizer marks the parts of words, which byte-level BPE in llama.cpp does not")
    if (described.get("normalizer") or {"type": "NFC"}).get("type") != "NFC":
        raise refusal("its tokenizer changes the text before cutting it, which llama.cpp does not")
    tokens = [f"[PAD{number}]" for number in range(config.vocab_size)]
    types = [TokenType.UNUSED] * len(tokens)
    for token, number in model["vocab"].items():
        tokens[number], types[number] = token, TokenType.NORMAL
    for added in described.get("added_tokens", []):
        tokens[added["id"]] = added["content"]
        types[added["id"]] = TokenType.CONTROL if added["special"] else TokenType.USER_DEFINED
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
    settings = _settings(folder)
    ids = _ids(config, settings, {token: number for number, token in enumerate(tokens)})
    first = Tokenizer.from_str(json.dumps(described)).encode(FIRST).ids[:1]
    template = settings.get("chat_template")
    return Vocabulary(
        tokens,
        types,
        merges,
        parted(described.get("pre_tokenizer") or {}),
        ids,
        begins="bos" in ids and first == [ids["bos"]],
        template=template if isinstance(template, str) else None,
    )


def parted(described: dict[str, Any]) -> str:
    """llama.cpp's name for a pre-tokenizer of tokenizer.json. Raises BadInput where it has none."""
    parts = described.get("pretokenizers", [described])
    kinds = [part.get("type") for part in parts]
    bytewise = parts[-1]
    if kinds[-1:] != ["ByteLevel"] or bytewise.get("add_prefix_space", True):
        raise refusal("its tokenizer is not byte-level, or puts a space before each text")
    regular = bytewise.get("use_regex", True)
    if kinds == ["ByteLevel"] and regular:
        return PARTED[GPT2]
    if kinds == ["Digits", "ByteLevel"] and regular and parts[0].get("individual_digits"):
        return "smollm"
    expression = parts[0].get("pattern", {}).get("Regex", "") if kinds == ["Split", "ByteLevel"] else ""
    if regular or expression not in PARTED or not parts[0].get("behavior") == "Isolated" or parts[0].get("invert"):
        raise refusal("llama.cpp has no name for the way in which its tokenizer parts a text")
    return PARTED[expression]


def _settings(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / "tokenizer_config.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _ids(config: Any, settings: dict[str, Any], numbers: dict[str, int]) -> dict[str, int]:
    """Special tokens by role: as the network's configuration has them, else as the tokenizer's."""
    found: dict[str, int] = {}
    for role in ROLES:
        given = getattr(config, f"{role}_token_id", None)
        number = given[0] if isinstance(given, list) and given else given
        named = settings.get(f"{role}_token")
        if not isinstance(number, int) and isinstance(named, str):
            number = numbers.get(named)
        if isinstance(number, int) and 0 <= number < len(numbers):
            found[role] = number
    return found
