"""The row of `make bench` for a GPU, from a report of the smoke test."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bench.smoke import of_gpu

H100 = "NVIDIA H100 80GB HBM3"


def report(card: str, tflops: float | None) -> dict[str, Any]:
    facts = {} if tflops is None else {"tflops": tflops, "dtype": "bfloat16"}
    return {"subject": {"cards": [card]}, "results": [{"id": "matmul speed", "facts": facts}]}


@pytest.mark.parametrize(("tflops", "share", "met"), [(741.0, "74.9 %", "met"), (600.0, "60.7 %", "MISSED")])
def test_a_gpu_s_share_of_its_peak_stands_beside_the_best_that_was_measured(
    tflops: float, share: str, met: str
) -> None:
    (row,) = of_gpu(report(H100, tflops))
    what = f"matmul's share of the published peak, {H100}"
    ratio = f"{tflops / 794.5:.2f} x"
    assert row.cells() == (what, share, "80.3 % (mamf-finder)", ratio, ">= 0.9 x", met)


def test_what_nobody_measured_or_what_failed_has_no_row() -> None:
    assert of_gpu(report("Some GPU", 1.0)) == of_gpu(report("NVIDIA L4", 100.0)) == []
    assert of_gpu(report(H100, None)) == []
