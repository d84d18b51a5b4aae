"""What is known of why checks failed: the table that also explains a run's log."""

from __future__ import annotations

from envkit.compat.failures import Failure, likely
from envkit.smoke.result import Report


def why(report: Report) -> Failure | None:
    """Return the row that the first failed check shows of which the table knows; None: of none."""
    told = (likely(f"{one.words}\n{one.reason}") for one in report.failed)
    return next(filter(None, told), None)
