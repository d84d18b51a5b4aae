"""Reports for the tests of what is done with them."""

from __future__ import annotations

from envkit.smoke.result import Report, Result, Subject

SUBJECT = Subject(
    machine="here", processor="Xeon", cpus=2, kind="cuda", cards=("NVIDIA H100 PCIe",), torch="2.13.0+cu130"
)


def a_report(*results: Result, **changed: object) -> Report:
    """Return a report of these results."""
    known: dict[str, object] = {
        "target": "lab:dev", "tier": "quick", "subject": SUBJECT, "results": results, "seconds": 9.8,
    }  # fmt: skip
    return Report(**{**known, **changed})  # type: ignore[arg-type]


def a_speed(value: float, check: str = "matmul speed") -> Result:
    """Return a result that has a figure."""
    return Result(id=check, outcome="passed", figure=f"{value:g} TFLOPS", speeds={"TFLOPS": value})
