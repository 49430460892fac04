"""The files of a model folder as the hub has them, by their names: what is taken in, and what is kept of it."""

WHOLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
"""Says which tensor is in which file, where the weights come in several."""
CHAT_TEMPLATE = "chat_template.jinja"
FILES = frozenset(
    {
        "config.json", WHOLE, "tokenizer.json", "tokenizer_config.json", "generation_config.json",
        "special_tokens_map.json", "vocab.json", "merges.txt", "receipt.json", "README.md", "LICENSE", CHAT_TEMPLATE,
    }
)  # fmt: skip
"""What a checked folder may hold."""
NEEDLESS = frozenset({"added_tokens.json", "vocab.txt", "tokenizer.model", ".gitattributes"})
"""What often lies beside them and says nothing that tokenizer.json does not."""
