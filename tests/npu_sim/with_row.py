"""`envkit` with one row more: torch_npu 2.13 can be had here, though its makers name no CANN for it yet."""

from __future__ import annotations

from envkit import compat
from envkit.cli.main import main

ROW = {"torch_npu": "2.13.0", "torch": "2.13.0", "line": "26.1.0", "cann": "9.1.0", "source": "a test's own"}

compat.table("torch_npu")["rows"].insert(0, ROW)
main()
