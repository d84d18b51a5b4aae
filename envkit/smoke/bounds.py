"""How far a result may be off, and how far a figure may fall short: each bound with its source."""

from __future__ import annotations

# How far off float64, as a share of the result's size: facts S2, rows 5 and 6, which allow for a sum of 1024
# products. A rounding alone is 2^-24, 2^-11 and 2^-8.
OFF = {
    "matmul": {"float32": 1e-5, "float16": 2e-3, "bfloat16": 1.5e-2},
    "conv": {"float32": 1e-3, "float16": 5e-3, "bfloat16": 3e-2},
    "attention": {"float32": 1e-4, "float16": 5e-3, "bfloat16": 3e-2},
    "autocast": {"float16": 2e-3, "bfloat16": 1.5e-2},
    "compile": {"float32": 1e-4},
}
# The first generation computes float32 in float16 unless told otherwise (facts A4.4), and has no bfloat16.
HALF_ONLY = r"910(A|ProA|ProB|PremiumA|B?$)|310P"

# Facts S2, rows 7, 8, 9, 15: shares of the published peak.
MATMUL_GOOD, MATMUL_LEAST = 0.60, 0.40
MEMORY_GOOD, MEMORY_LEAST = 0.70, 0.50
LINK_GOOD = 0.60
# 10 of 15.8, 20 of 31, 40 of 63 GB/s. A link that is virtual, shared or narrowed proves nothing: a warning.
COPY_GOOD = 0.63
# PCIe 3 and newer send 128 bits in 130.
PCIE_CODE = 128 / 130

LOSS_LEAST_FALL = 0.5  # of the first loss: facts S2, row 11
# What an allocator may keep for itself: two parts of a driver's heap, or malloc's own.
MEMORY_LEFT_MIB = 64
SHM_GOOD_MIB = 1024  # facts S2, row 12

# Falling behind an earlier result of the same machine. A card's clock varies by a few percent; the figures of
# two CPUs that others use too differed by 40 % between quiet and busy moments.
SLOWER_CARD, SLOWER_CPU = 0.10, 0.50
