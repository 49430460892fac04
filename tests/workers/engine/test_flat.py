"""Tensors side by side: where each lies, and the length of all of them."""

import pytest
import torch

from workers.engine.flat import ROW, Layout, length

SHAPES = {"a": torch.Size([3, 5]), "b": torch.Size([ROW]), "c": torch.Size([ROW + 1]), "d": torch.Size([])}
CPU = torch.device("cpu")


def test_each_tensor_has_a_place_of_its_own() -> None:
    layout = Layout(SHAPES)
    flat = layout.zeros(torch.float32, CPU)
    views = layout.views(flat)
    assert {name: view.shape for name, view in views.items()} == SHAPES
    for number, view in enumerate(views.values(), start=1):
        view.add_(number)
    assert [float(view.mean()) for view in views.values()] == [1.0, 2.0, 3.0, 4.0]
    assert int(flat.count_nonzero()) == sum(shape.numel() for shape in SHAPES.values())


def test_each_begins_at_a_full_row() -> None:
    layout = Layout(SHAPES)
    assert [layout.start(index) for index in range(5)] == [0, ROW, 2 * ROW, 4 * ROW, 5 * ROW]
    assert len(layout.zeros(torch.float32, CPU)) == 5 * ROW


def test_the_length_of_a_long_array_is_exact() -> None:
    flat = torch.full((ROW * 20_000,), 1e-3)
    assert float(length(flat)) == pytest.approx(float(flat.double().norm()), rel=1e-5)
    assert torch.isnan(length(torch.tensor([float("nan")] * ROW)))
    assert torch.isinf(length(torch.tensor([float("inf")] + [0.0] * (ROW - 1))))
