"""Arrays in plotly's form, decoded again as plotly.js does it."""

import base64
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from playground.domain.arrays import pack


def unpack(packed: dict[str, str]) -> NDArray[Any]:
    """What a browser sees."""
    raw = np.frombuffer(base64.b64decode(packed["bdata"]), dtype=f"<{packed['dtype']}")
    return raw.reshape([int(size) for size in packed["shape"].split(",")])


@pytest.mark.parametrize("dtype", ["f4", "f8", "i1", "i2", "i4", "u1", "u2", "u4", "f2", "i8", "u8", "?", ">f4", ">i2"])
def test_an_array_survives(dtype: str) -> None:
    array = np.arange(6).reshape(2, 3).astype(dtype)
    found = unpack(pack(array))
    assert found.shape == (2, 3)
    assert np.array_equal(found, array)
    assert np.array_equal(unpack(pack(array.T)), array.T)


def test_empty_and_flat_arrays() -> None:
    assert unpack(pack(np.zeros((0,), np.int64))).shape == (0,)
    assert pack(np.zeros(3, np.float32))["shape"] == "3"


@pytest.mark.parametrize("array", [np.array([2**31]), np.array([-(2**31) - 1]), np.array(["a"]), np.array([1j])])
def test_what_plotly_has_no_name_for(array: NDArray[Any]) -> None:
    with pytest.raises(ValueError, match=r"plotly|32 bits"):
        pack(array)
