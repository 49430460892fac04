"""The 256 printable characters that byte-level vocabularies write bytes with (a space is "Ġ", byte 0xE4 is "ä").

Source: the encoder of GPT-2; every file with a ByteLevel part uses the same table.
"""

_PRINTABLE = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
_OTHERS = [value for value in range(256) if value not in _PRINTABLE]

LETTERS: list[str] = [""] * 256
for _value in _PRINTABLE:
    LETTERS[_value] = chr(_value)
for _place, _value in enumerate(_OTHERS):
    LETTERS[_value] = chr(256 + _place)
VALUES = {letter: value for value, letter in enumerate(LETTERS)}


def spell(raw: bytes) -> str:
    """Bytes in letters."""
    return "".join(LETTERS[value] for value in raw)


def read(piece: str) -> bytes | None:
    """Letters as bytes, or None where there is a character that is no letter of this alphabet."""
    try:
        return bytes([VALUES[letter] for letter in piece])
    except KeyError:
        return None
