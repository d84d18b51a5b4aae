"""What torch's own build says of the cards that it has code for."""

from __future__ import annotations

import pytest

from envkit.probes.verify_torch import code


@pytest.mark.parametrize(
    ("flags", "chips", "newer"),
    [
        # torch 2.13.0, CUDA 13.0, x86-64 and aarch64; the first of torch 2.7.1, CUDA 12.6: as in the wheels
        ("sm_75 sm_80 sm_86 sm_90 sm_100 sm_120", ["7.5", "8.0", "8.6", "9.0", "10.0", "12.0"], False),
        ("sm_80 sm_90 sm_100 sm_110 sm_120", ["8.0", "9.0", "10.0", "11.0", "12.0"], False),
        (
            "sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90",
            ["5.0", "6.0", "7.0", "7.5", "8.0", "8.6", "9.0"],
            False,
        ),
        ("sm_90 sm_90a sm_120 compute_120", ["9.0", "12.0"], True),
        ("", [], False),
    ],
)
def test_flags_of_a_compiler_become_compute_capabilities(flags: str, chips: list[str], newer: bool) -> None:
    assert code(flags) == {"chips": chips, "newer_chips": newer}
