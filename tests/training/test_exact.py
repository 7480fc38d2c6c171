"""Exact products: no order of adding up shows, and they are as near to the truth as float32 comes."""

from __future__ import annotations

import math
from typing import Any

import pytest

from prodabuild.training.exact import exact, on_grid

pytestmark = pytest.mark.train


def wide(rows: int, columns: int, seed: int) -> Any:
    """Return numbers over many powers of ten, with rows of very different size."""
    import torch

    draw = torch.Generator().manual_seed(seed)
    values = torch.randn(rows, columns, generator=draw) * torch.randn(rows, columns, generator=draw).exp()
    return values * 10.0 ** torch.randint(-12, 12, (rows, 1), generator=draw)


@pytest.mark.parametrize("length", [1, 7, 32, 129, 1024, 5000, 100_000])
def test_sums_have_no_order(length: int) -> None:
    """In Python's own unlimited integers: every product and every partial sum is a float64."""
    import torch

    left, right = on_grid(wide(3, length, 1), 1), on_grid(wide(3, length, 2), 1)
    for one, other in zip(left.tolist(), right.tolist(), strict=True):
        products = [a * b for a, b in zip(one, other, strict=True)]
        assert all(math.fsum([a * b]) == product for a, b, product in zip(one, other, products, strict=True))
        assert sum(products) == sum(reversed(products)) == sum(sorted(products, key=abs)) == math.fsum(products)
    assert torch.equal(left.float().double(), left)


@pytest.mark.parametrize("length", [1, 512, 513, 2048, 8193])
def test_the_largest_sum_that_there_can_be(length: int) -> None:
    import torch

    (row,) = on_grid(torch.full((1, length), 2 - 2.0**-23), 1).tolist()
    products = [value * value for value in row]
    assert sum(products) == math.fsum(products) == int(row[0] * 2**30) ** 2 * length / 2**60
    assert on_grid(torch.tensor([[3.0, -1.0, 0.0, 1024.0]]), 1).tolist() == [[3.0, -1.0, 0.0, 1024.0]]


@pytest.mark.parametrize("shape", [(64, 128, 48), (1, 300, 5), (130, 2, 70)])
def test_products_are_as_near_as_float32_comes(shape: tuple[int, int, int]) -> None:
    import torch

    rows, length, columns = shape
    draw = torch.Generator().manual_seed(3)
    left, right = torch.randn(rows, length, generator=draw), torch.randn(length, columns, generator=draw)
    truth = left.double() @ right.double()
    with exact("cpu"):
        found = left @ right
    size = left.double().norm(dim=1)[:, None] * right.double().norm(dim=0)
    assert ((found - truth).abs() / size).max() < 2.0**-21
    assert found.dtype == torch.float32


def test_every_product_of_matrices_is_one_of_ours_and_none_is_afterwards() -> None:
    import torch

    draw = torch.Generator().manual_seed(4)
    a, b, c = (torch.randn(65, 65, generator=draw) for _ in range(3))

    def products() -> list[Any]:
        heads = a[None, None].expand(2, 3, 65, 65)
        return [
            a @ b,
            torch.nn.functional.linear(a, b, c[0]),
            torch.addmm(c, a, b, beta=0.5, alpha=2),
            torch.bmm(a[None], b[None])[0],
            torch.baddbmm(c[None], a[None], b[None])[0],
            a @ b[0],
            a[0] @ b[0],
            torch.nn.functional.scaled_dot_product_attention(heads, heads, heads, is_causal=True),
        ]

    before = products()
    with exact("cpu"), exact("cpu"):
        once, threads = products(), torch.get_num_threads()
        torch.set_num_threads(1 if threads > 1 else 2)
        again = products()
        torch.set_num_threads(threads)
    after = products()
    for old, new, same, back in zip(before, once, again, after, strict=True):
        assert torch.equal(new, same)
        assert torch.equal(old, back)
        assert torch.allclose(old, new, atol=1e-3, rtol=1e-4)
    assert not torch.equal(before[0], once[0])


def test_other_types_nothing_and_what_is_no_number() -> None:
    import torch

    whole = torch.arange(6).view(2, 3)
    with exact("cpu"):
        assert torch.equal(whole @ whole.T, torch.tensor([[5, 14], [14, 50]]))
        assert (whole.double() @ whole.double().T).tolist() == [[5, 14], [14, 50]]
        assert torch.ones(2, 0).mm(torch.ones(0, 3)).tolist() == [[0.0] * 3] * 2
        assert torch.ones(0, 2).mm(torch.ones(2, 3)).shape == (0, 3)
        bad = torch.tensor([[1.0, math.nan], [1.0, 2.0]])
        assert torch.equal(torch.isnan(bad @ torch.ones(2, 1)), torch.tensor([[True], [False]]))
        ignored = torch.addmm(bad * math.nan, torch.ones(2, 2), torch.ones(2, 2), beta=0)
        assert ignored.tolist() == [[2.0, 2.0]] * 2


def test_gradients_are_exact_products_too() -> None:
    import torch

    draw = torch.Generator().manual_seed(5)
    left = torch.randn(40, 30, generator=draw, requires_grad=True)
    right = torch.randn(30, 20, generator=draw, requires_grad=True)
    with exact("cpu"):
        (left @ right).pow(2).sum().backward()  # type: ignore[no-untyped-call]
        by_hand = 2 * (left @ right).detach() @ right.detach().T
    assert torch.equal(left.grad, by_hand)  # type: ignore[arg-type]


def test_a_gpu_is_left_alone() -> None:
    import torch

    with exact("cuda"):
        assert torch.backends.cuda.flash_sdp_enabled()  # type: ignore[no-untyped-call]
