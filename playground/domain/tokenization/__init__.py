"""Tokenizers: teaching trainers that keep a full trace, and one view on every tokenizer that can be loaded.

The trainers (`bpe`, `wordpiece`, `unigram`) are pure Python, deterministic and explain every choice. The tokenizers
that visitors compare (`fast`, `pieces`, `simple`) all answer a text with a `Cut`: ids, places and each token's share
of the text's bytes.
"""
