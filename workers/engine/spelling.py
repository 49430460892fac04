"""Tokens as text that can be shown, without ever cutting through a character.

A token may stand for part of a character only: four tokens for one emoji, two for one Chinese character. Its bytes
are kept until the character is whole, and the text arrives with the token that completes it. Bytes that no
character begins with, which an untrained model does write, have no text.
"""

import codecs
from collections.abc import Iterable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders


def _alphabet() -> dict[str, int]:
    """GPT-2's way to write bytes as printable characters (Radford et al., 2019), read backwards."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + index): byte for index, byte in enumerate(hidden)}


class Spelling:
    """How the tokens of one tokenizer are spelled in bytes and in text."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._special = {
            index: added.content for index, added in tokenizer.get_added_tokens_decoder().items() if added.special
        }

    @cached_property
    def _byte_level(self) -> dict[str, int] | None:
        return _alphabet() if isinstance(self._tokenizer.decoder, decoders.ByteLevel) else None

    def is_special(self, token: int) -> bool:
        """Whether a token is a control token, which is not part of a text."""
        return token in self._special

    def spell(self, token: int) -> bytes:
        """The UTF-8 bytes of a token inside a text; those of its name if it is special, none if there is no such."""
        name: str | None = self._tokenizer.id_to_token(token)
        if name is None:
            return b""
        if token in self._special or token in self._added:
            return name.encode()
        if self._byte_level is not None:
            alphabet = self._byte_level
            return bytes(alphabet[letter] for letter in name if letter in alphabet)
        if len(name) == 6 and name.startswith("<0x") and name.endswith(">"):
            return bytes([int(name[3:5], 16)])
        text = name.replace("▁", " ")
        return (text.removeprefix("##") if isinstance(self._tokenizer.decoder, decoders.WordPiece) else text).encode()

    @cached_property
    def _added(self) -> frozenset[int]:
        return frozenset(self._tokenizer.get_added_tokens_decoder())

    def lengths(self) -> NDArray[np.int64]:
        """(vocabulary,): the number of bytes of text that each token stands for; control tokens stand for none."""
        size = self._tokenizer.get_vocab_size()
        return np.array([0 if index in self._special else len(self.spell(index)) for index in range(size)])

    def alone(self, token: int) -> str:
        """What can be shown for one token by itself; "" for one that holds part of a character only."""
        return self.spell(token).decode(errors="ignore")

    def text(self, tokens: Iterable[int]) -> str:
        """The text of tokens, without control tokens and without what is no character."""
        return b"".join(self.spell(token) for token in tokens if token not in self._special).decode(errors="ignore")

    def writer(self) -> "Writer":
        """A decoder for tokens that arrive one by one."""
        return Writer(self)


class Writer:
    """Turns a stream of tokens into a stream of text."""

    def __init__(self, spelling: Spelling) -> None:
        self._spelling = spelling
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="ignore")

    def add(self, token: int) -> str:
        """The text that is complete with this token."""
        return self._decoder.decode(self._spelling.spell(token))
