"""Judge what the probes measured: pure, every bound from bounds.py, every peak from compat/peaks.json."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from envkit.smoke import bounds
from envkit.smoke.peaks import Peak
from envkit.smoke.result import Facts, Outcome, Result
from envkit.smoke.without_code import without_code

_WORDS = "words", "printed"  # a traceback, and what else its process said


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A verdict before it has a name."""

    outcome: Outcome
    figure: str = ""
    reason: str = ""
    speeds: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What is known of the device from elsewhere."""

    kind: str = "auto"  # torch's word; "auto": whatever it computes on
    count: int | None = None  # how many cards were given; None: not known
    names: tuple[str, ...] = ()  # as the machine's own tool names them
    name: str = ""  # as torch names the one under test
    peak: Peak | None = None


def judge(check: str, facts: Facts, seconds: float, expected: Expected) -> Result:
    """Return the verdict on one check's numbers."""
    finding = _judged(check, facts, expected)
    return Result(
        id=check,
        outcome=finding.outcome,
        figure=finding.figure,
        reason=finding.reason,
        seconds=round(seconds, 2),
        facts={key: value for key, value in facts.items() if key not in _WORDS},
        speeds=dict(finding.speeds),
        words="\n".join(str(facts[key]) for key in _WORDS if facts.get(key)),
    )


def _judged(check: str, facts: Facts, expected: Expected) -> Finding:
    if "missing" in facts:
        return Finding(outcome="skipped", reason=str(facts["missing"]))
    if "error" in facts:
        return Finding(outcome="failed", reason="; ".join(without_code(facts)) or str(facts["error"]))
    try:
        if check in _JUDGES:
            return _JUDGES[check](facts, expected)
        name, _, dtype = check.partition(" ")
        return _off(name, dtype, facts, expected)
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        return Finding(outcome="failed", reason=f"its numbers cannot be read: {type(error).__name__} {error}")


def _all(problems: list[str], figure: str, *speeds: tuple[str, float]) -> Finding:
    outcome: Outcome = "failed" if problems else "passed"
    return Finding(outcome=outcome, figure=figure, reason="; ".join(problems), speeds=speeds)


def _import(facts: Facts, expected: Expected) -> Finding:
    parts = [f"torch {facts['torch']}"]
    parts += [f"CUDA {facts['cuda']}"] if facts["cuda"] else []
    parts += [f"torch_npu {facts['npu']}"] if facts["npu"] else []
    return _all([], ", ".join(parts))


def _device(facts: Facts, expected: Expected) -> Finding:
    kind, cards = str(facts["kind"]), facts["cards"]
    problems = []
    if not cards:
        asked = facts["ids"]
        which = f"{kind} {', '.join(map(str, asked))}" if asked else kind
        problems.append(f"torch sees no {which}: it counts {facts['count']}")
    elif expected.count is not None and len(cards) != expected.count:
        problems.append(f"torch sees {len(cards)}, {expected.count} were given")
    for card in cards:
        if card["where"] != kind:
            problems.append(f"what was made on {kind}:{card['index']} is on {card['where']}")
        if card["sum"] != 499500:
            problems.append(f"{kind}:{card['index']} adds 0 to 999 up to {card['sum']}, not 499500")
    if expected.names and kind != "cpu":
        problems += _misnamed([str(card["name"]) for card in cards], expected.names)
    names = sorted({str(card["name"]) for card in cards} - {""})
    return _all(problems, f"{len(cards)} x {', '.join(names)}" if names else kind if cards else "")


def _misnamed(seen: list[str], given: tuple[str, ...]) -> list[str]:
    """Compare torch's names with the tool's: npu-smi says 910B3 where torch says Ascend910B3."""
    both = zip(sorted(seen), sorted(given), strict=False)
    wrong = [(one, other) for one, other in both if one not in other and other not in one]
    return [f"torch sees {one!r} where {other!r} was given" for one, other in wrong]


def _off(name: str, dtype: str, facts: Facts, expected: Expected) -> Finding:
    half_only = re.search(bounds.HALF_ONLY, expected.name) is not None
    bound = bounds.OFF[name]["float16" if half_only and dtype == "float32" else dtype]
    off = float(facts["off"])
    problems = [] if off <= bound else [f"{off:.2g} off the CPU's float64, at most {bound:g} is right"]
    if facts["dtype"] != dtype:
        problems.append(f"its result is {facts['dtype']}")
    problems += _elsewhere(facts, expected)
    return _all(problems, f"{off:.1e} off")


def _elsewhere(facts: Facts, expected: Expected) -> list[str]:
    if expected.kind in ("auto", facts["where"]):
        return []
    return [f"its result is on {facts['where']}, not on {expected.kind}"]


def _autocast(facts: Facts, expected: Expected) -> Finding:
    asked = str(facts["asked"])
    found = _off("autocast", asked, facts, expected)
    problems = [found.reason] if found.reason else []
    if facts["gradient"] != "float32":
        problems.append(f"the weights' gradient is {facts['gradient']}, not float32")
    return _all(problems, f"{asked}, {found.figure}")


def _share(value: float, peak: float | None, bound: tuple[float, float], *, only_warns: bool) -> Finding:
    """Hold a figure against what is published; without that there is no verdict."""
    good, least = bound
    if peak is None:
        return Finding(outcome="skipped", reason="no published peak of this device to hold it against")
    share = value / peak
    text = f"{100 * share:.0f} % of the published {peak:g}"
    if share >= good:
        return Finding(outcome="passed", figure=text)
    outcome: Outcome = "failed" if share < least and not only_warns else "warned"
    return Finding(outcome=outcome, figure=text, reason=f"{good:.0%} is good, {least:.0%} the least")


def _matmul_speed(facts: Facts, expected: Expected) -> Finding:
    value, peak = float(facts["tflops"]), expected.peak
    known = peak is not None and facts["dtype"] in ("bfloat16", "float16")
    share = _share(
        value,
        peak.tflops if peak and known else None,
        (bounds.MATMUL_GOOD, bounds.MATMUL_LEAST),
        only_warns=bool(peak and peak.only_warns),
    )
    figure = f"{value:g} TFLOPS {facts['dtype']}"
    return _with(share, figure, ("TFLOPS", value))


def _memory_speed(facts: Facts, expected: Expected) -> Finding:
    value, peak = float(facts["gbytes_per_s"]), expected.peak
    share = _share(
        value,
        peak.gbytes_per_s if peak else None,
        (bounds.MEMORY_GOOD, bounds.MEMORY_LEAST),
        only_warns=bool(peak and peak.only_warns),
    )
    return _with(share, f"{value:g} GB/s", ("GB/s", value))


def _with(share: Finding, figure: str, speed: tuple[str, float]) -> Finding:
    whole = f"{figure}, {share.figure}" if share.figure else figure
    return Finding(outcome=share.outcome, figure=whole, reason=share.reason, speeds=(speed,))


def _copy(facts: Facts, expected: Expected) -> Finding:
    up, down = float(facts["up_gbytes_per_s"]), float(facts["down_gbytes_per_s"])
    figure = f"{up:g} GB/s there, {down:g} back"
    speeds = (("GB/s there", up), ("GB/s back", down))
    if not facts["equal"]:
        return Finding(outcome="failed", figure=figure, reason="what came back is not what was sent")
    return Finding(outcome="passed", figure=figure, speeds=speeds)


def _copy_pinned(facts: Facts, expected: Expected) -> Finding:
    found, link = _copy(facts, expected), facts["link"]
    if found.outcome != "passed" or link is None:
        return found
    can = float(link["gigatransfers"]) * int(link["lanes"]) / 8 * bounds.PCIE_CODE
    slow = min(float(facts["up_gbytes_per_s"]), float(facts["down_gbytes_per_s"]))
    text = f"PCIe {link['gigatransfers']:g} GT/s x{link['lanes']} can {can:.0f} GB/s"
    if slow >= bounds.COPY_GOOD * can:
        return Finding(outcome="passed", figure=f"{found.figure} ({text})", speeds=found.speeds)
    return Finding(
        outcome="warned",
        figure=found.figure,
        reason=f"{text}: {bounds.COPY_GOOD:.0%} is good",
        speeds=found.speeds,
    )


def _allocator(facts: Facts, expected: Expected) -> Finding:
    problems = []
    if not facts["right"]:
        problems.append("what was written into it does not stand there")
    if facts["left_mib"] > bounds.MEMORY_LEFT_MIB:
        problems.append(f"{facts['left_mib']} MiB did not come back")
    if not facts["refused"]:
        problems.append("a pebibyte was not refused")
    if not facts["usable"]:
        problems.append("the device was no longer usable after an allocation that failed")
    return _all(problems, f"{facts['wanted_mib']} MiB taken and given back")


def _training(facts: Facts, expected: Expected) -> Finding:
    first, last = (float(loss) for loss in facts["losses"])
    problems = []
    if not facts["finite"]:
        problems.append("a loss is not finite")
    elif last > bounds.LOSS_LEAST_FALL * first:
        problems.append(f"the loss does not fall: {first:.3g} to {last:.3g} in {facts['steps']} steps")
    if not facts["same"]:
        problems.append("twice from the same seed, two different trainings")
    speed = float(facts["steps_per_s"])
    return _all(problems, f"loss {first:.3g} to {last:.1g}, {speed:g} steps/s", ("steps/s", speed))


def _loader(facts: Facts, expected: Expected) -> Finding:
    wrong, shm = facts["wrong"], facts["shm_mib"]
    speed = float(facts["gbytes_per_s"])
    figure = f"{speed:g} GB/s, /dev/shm of {shm} MiB"
    found = _all(
        [f"batches {', '.join(map(str, wrong[:3]))} are wrong"] if wrong else [], figure, ("GB/s", speed)
    )
    if found.outcome == "passed" and shm < bounds.SHM_GOOD_MIB:
        return Finding(
            outcome="warned",
            figure=figure,
            reason=f"{bounds.SHM_GOOD_MIB} MiB is good: large batches may die there",
            speeds=found.speeds,
        )
    return found


def _checkpoint(facts: Facts, expected: Expected) -> Finding:
    different = [f"what was loaded to {place} is not what was saved" for place in facts["different"]]
    return _all(different, f"{facts['mib']} MiB, loaded to {', '.join(facts['places'])}")


def _compile(facts: Facts, expected: Expected) -> Finding:
    off, bound = float(facts["off"]), bounds.OFF["compile"]["float32"]
    right = off <= bound  # false for what is no number
    problems = (
        [] if right else [f"{off:.2g} off what the plain function computes, at most {bound:g} is right"]
    )
    return _all(problems, f"compiled in {facts['compile_s']:g} s")


def _all_reduce(facts: Facts, expected: Expected) -> Finding:
    ranks, world = facts["ranks"], int(facts["world"])
    problems = [str(one) for one in facts["lost"]]
    problems += [f"rank {one['rank']} has a wrong sum" for one in ranks if not one["right"]]
    if not problems and len(ranks) != world:
        problems.append(f"{len(ranks)} of {world} ranks told what they found")
    if problems:
        return _all(problems, f"{world} ranks, {facts['backend']}")
    speed = min(float(one["bus_gbytes_per_s"]) for one in ranks)
    figure = f"{world} ranks, {facts['backend']}, {speed:g} GB/s on the bus"
    link = expected.peak.link if expected.peak else None
    if link is not None and speed < bounds.LINK_GOOD * link:
        reason = f"the cards' link is published as {link:g} GB/s: {bounds.LINK_GOOD:.0%} is good"
        return Finding(outcome="warned", figure=figure, reason=reason, speeds=(("GB/s", speed),))
    return _all([], figure, ("GB/s", speed))


def _soak(facts: Facts, expected: Expected) -> Finding:
    different = facts["different"]
    problems = [f"{different} times the same product had other bits"] if different else []
    return _all(problems, f"{facts['rounds']} times the same product")


_JUDGES: dict[str, Callable[[Facts, Expected], Finding]] = {
    "import": _import,
    "device": _device,
    "matmul speed": _matmul_speed,
    "memory speed": _memory_speed,
    "autocast": _autocast,
    "copy": _copy,
    "copy pinned": _copy_pinned,
    "allocator": _allocator,
    "training": _training,
    "loader": _loader,
    "checkpoint": _checkpoint,
    "compile": _compile,
    "all-reduce": _all_reduce,
    "soak": _soak,
}
