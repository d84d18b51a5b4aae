"""Raw numbers of a sound H100, as the smoke test's probes print them."""

from __future__ import annotations

from typing import Any

CARD = "NVIDIA H100 80GB HBM3"
RIGHT = {"off": 1e-7, "where": "cuda"}

SOUND: dict[str, dict[str, Any]] = {
    "import": {"torch": "2.13.0+cu130", "cuda": "13.0", "npu": "", "threads": 16},
    "device": {
        "kind": "cuda",
        "asked": "cuda",
        "ids": None,
        "count": 2,
        "code": ["sm_80", "sm_90", "sm_120"],
        "cards": [
            {
                "index": n, "name": CARD, "chip": "9.0", "where": "cuda", "sum": 499500, "memory_mib": 81000,
            }
            for n in (0, 1)
        ],
    },
    **{
        f"{name} {dtype}": {**RIGHT, "dtype": dtype}
        for name in ("matmul", "conv", "attention")
        for dtype in ("float32", "bfloat16", "float16")
    },
    "autocast": {
        "off": 2e-3, "where": "cuda", "dtype": "bfloat16", "asked": "bfloat16", "gradient": "float32",
    },
    "matmul speed": {"tflops": 700.0, "by_size": {"8192": 700.0}, "dtype": "bfloat16"},
    "memory speed": {"gbytes_per_s": 2900.0, "mib": 1024},
    "copy": {"equal": True, "up_gbytes_per_s": 9.0, "down_gbytes_per_s": 8.0, "mib": 256, "link": None},
    "copy pinned": {
        "equal": True,
        "up_gbytes_per_s": 55.4,
        "down_gbytes_per_s": 55.1,
        "mib": 256,
        "link": {"gigatransfers": 32.0, "lanes": 16},
    },
    "allocator": {
        "wanted_mib": 72000, "held_mib": 72000, "left_mib": 0, "right": True,
        "refused": "OutOfMemoryError", "usable": True,
    },
    "training": {"losses": [1.4, 0.001], "finite": True, "same": True, "steps": 60, "steps_per_s": 900.0},
    "loader": {"batches": 16, "wrong": [], "shm_mib": 65536, "gbytes_per_s": 3.0},
    "checkpoint": {"places": ["cpu", "cuda:0"], "different": [], "mib": 256, "save_mbytes_per_s": 900},
    "compile": {"off": 1e-7, "compile_s": 9.0},
    "all-reduce": {
        "backend": "nccl", "world": 2, "lost": [], "words": "",
        "ranks": [{"rank": n, "right": True, "bus_gbytes_per_s": 380.0} for n in (0, 1)],
    },
    "soak": {"rounds": 1000, "different": 0},
}  # fmt: skip
