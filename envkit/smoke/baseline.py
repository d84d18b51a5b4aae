"""Compare with an earlier result of the same machine: what got slower?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from envkit.errors import UsageError
from envkit.smoke import bounds
from envkit.smoke.result import Report, Slower


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What an earlier `--save` or `--json` holds."""

    file: str
    tier: str
    subject: Mapping[str, Any]
    speeds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # check → figure → value


def read(path: str) -> Baseline:
    """Read one; UsageError when the file is none."""
    try:
        told = json.loads(Path(path).read_text(encoding="utf-8"))
        return Baseline(
            file=path,
            tier=str(told["tier"]),
            subject=dict(told["subject"]),
            speeds={
                str(one["id"]): {str(name): float(value) for name, value in one["speeds"].items()}
                for one in told["results"]
            },
        )
    except OSError as error:
        raise UsageError(f"--baseline {path}: {error.strerror}", fix="`--save FILE` writes one") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"--baseline {path} is no result of `envkit smoke`", fix="`--save FILE` writes one"
        ) from error


def refuse_other_machine(before: Baseline, machine: str, tier: str) -> None:
    """Raise UsageError when it was measured elsewhere, or with other sizes."""
    if before.subject.get("machine") != machine:
        raise _other(before, "was measured on another machine")
    if before.tier != tier:
        raise UsageError(
            f"--baseline {before.file} is of --{before.tier}, this is --{tier}",
            fix=f"measure with --{before.tier}",
        )


def compare(before: Baseline, report: Report) -> tuple[Slower, ...]:
    """Return what fell behind by more than is allowed; UsageError when the device is another one."""
    subject = report.subject
    had = [str(name) for name in before.subject.get("cards", ())]
    if before.subject.get("kind") != subject.kind or had != list(subject.cards):
        earlier, now = _named(str(before.subject.get("kind")), had), _named(subject.kind, list(subject.cards))
        raise _other(before, f"is of {earlier}, this is {now}")
    same = (subject.processor, subject.cpus)
    if (before.subject.get("processor"), before.subject.get("cpus")) != same:
        raise _other(
            before, f"was measured with {before.subject.get('cpus')} x {before.subject.get('processor')}"
        )
    allowed = bounds.SLOWER_CARD if any(subject.cards) else bounds.SLOWER_CPU
    both = [
        Slower(id=one.id, what=what, now=now, before=before.speeds[one.id][what], allowed=allowed)
        for one in report.results
        for what, now in one.speeds.items()
        if what in before.speeds.get(one.id, {})
    ]
    if not both:
        raise UsageError(
            f"--baseline {before.file} has no figure of what was measured now", fix="measure the same checks"
        )
    return tuple(one for one in both if one.now < (1 - allowed) * one.before)


def _other(before: Baseline, how: str) -> UsageError:
    return UsageError(
        f"--baseline {before.file} {how}", fix="compare with a result of this machine and this device"
    )


def _named(kind: str, cards: list[str]) -> str:
    names = ", ".join(name for name in cards if name)
    return f"{kind} ({names})" if names else kind
