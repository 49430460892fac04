"""The BPE exhibit: its trace can be replayed from what is sent, in characters and in bytes."""

import base64

import numpy as np
import pytest

from playground.exhibits.tokens.bpe import Params, Result, exhibit, run


def unpack(packed: dict[str, str]) -> list[int]:
    found: list[int] = np.frombuffer(base64.b64decode(packed["bdata"]), dtype="<" + packed["dtype"]).tolist()
    return found


def replay(result: Result) -> int:
    """Apply every merge to every shown word; the number of tokens that remain."""
    total = 0
    for word in result.words:
        units = list(word.units)
        for left, right, product in zip(*map(unpack, (result.left, result.right, result.product)), strict=True):
            merged: list[int] = []
            for unit in units:
                if merged and merged[-1] == left and unit == right:
                    merged[-1] = -product - 1  # not to be merged again in this round
                else:
                    merged.append(unit)
            units = [unit if unit >= 0 else -unit - 1 for unit in merged]
        total += len(units) * word.count
    return total


@pytest.mark.parametrize("unit", ["characters", "bytes"])
@pytest.mark.parametrize("text", ["low lower newest 机器学习 机器", "aaaa aaa aa a", "\u0301e 👩‍🍳 👩‍🍳"])
def test_the_trace_can_be_replayed(text: str, unit: str) -> None:
    result = run(Params.model_validate({"text": text, "unit": unit, "merges": 30}))
    assert replay(result) == unpack(result.tokens)[-1]
    assert len(unpack(result.tokens)) == len(unpack(result.left)) + 1
    width = result.rivals.width
    assert unpack(result.rivals.left)[::width] == unpack(result.left)


def test_bytes_that_are_no_text_are_written_as_numbers() -> None:
    result = run(Params(text="猫", unit="bytes", merges=1))
    assert [result.symbols[number] for number in result.hexadecimal[:2]] == ["8C", "AB"]
    assert (result.characters, result.bytes) == (1, 3)


def test_other_text_gives_other_merges() -> None:
    assert run(Params(text="ab ab")).symbols != run(Params(text="cd cd")).symbols
    assert not exhibit.apart(Params())
    assert exhibit.apart(Params(text="x " * 5_000))
