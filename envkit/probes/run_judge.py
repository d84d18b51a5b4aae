"""How an attempt ended, from what was seen of it. Pure: facts in, the end out."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Optional, Tuple

Facts = Dict[str, Any]

WORDS = 500  # characters of a process's last words
_DEVICE = re.compile(
    r"torch\.(?:cuda\.|npu\.)?OutOfMemoryError|\b(?:CUDA|NPU|HIP) out of memory|CUDA error: out of memory"
    r"|CUBLAS_STATUS_ALLOC_FAILED|cudaErrorMemoryAllocation"
)
_KILLED_CHILD = re.compile(r"killed by signal: Killed|died with <Signals\.SIGKILL")
_RENDEZVOUS = re.compile(
    r"Rendezvous\w*Error|torch\.distributed\.Dist(?:Store|Network)Error|EADDRINUSE|[Aa]ddress already in use"
)
# Colours, and what torch puts before the lines of a rank's traceback.
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|^\[rank\d+\]: ?")
_FRAME = re.compile(r'^\s*File "(?P<file>.+)", line (?P<line>\d+)(?:, in (?P<function>.+))?$')
_SYNTAX = re.compile(r"(Syntax|Indentation|Tab)Error: ")
# Lines that Python says of a script that it cannot read: the place, the line, a mark, what is wrong.
_UNREAD = 4
_TRACEBACK = "Traceback (most recent call last):"
# Exit codes by which a shell, which has one of its own, tells that its command died of a signal (POSIX).
_SHELL_SIGNALS = {
    134: "SIGABRT",
    135: "SIGBUS",
    136: "SIGFPE",
    137: "SIGKILL",
    139: "SIGSEGV",
    143: "SIGTERM",
}


def judge(seen: Facts) -> Facts:
    """Return the end: state, cause, code, signal, first failing rank, words, frame, and a sentence."""
    end: Facts = {"cause": None, "code": 0, "signal": None, "rank": None, "words": "", "frame": None}
    first = _first_failing(seen["ranks"])
    if first is not None:
        end.update(code=first["code"], signal=first["signal"] or None, rank=first["rank"])
        end["words"], end["frame"] = last_words(seen["tails"].get(first["rank"], ""))
    for look in (_stopped, _not_started, _finished, _failed):
        found = look(seen, end)
        if found is not None:
            end.update(found)
            break
    end["sentence"] = sentence(end, seen)
    return end


def _first_failing(ranks: List[Facts]) -> Optional[Facts]:
    failing = [rank for rank in ranks if rank.get("code")]
    return min(failing, key=lambda rank: rank["ended"]) if failing else None


def _stopped(seen: Facts, end: Facts) -> Optional[Facts]:
    by = (seen.get("stop") or {}).get("by")
    if by == "timeout":
        return {"state": "timed-out", "cause": "timeout", "code": 124}  # as timeout(1) has it
    if by == "node-lost":
        node = seen.get("node_words", "")
        return {"state": "lost", "cause": "node-lost", "code": 1, "words": node, "frame": None, "rank": None}
    if by == "user":
        return {"state": "stopped", "cause": "user"}
    if seen["asked"]:
        return {"state": "stopped", "cause": "outside"}
    return None


def _not_started(seen: Facts, end: Facts) -> Optional[Facts]:
    if seen["not_started"]:
        words, code = seen["not_started"]
        return {"state": "failed", "cause": "not-started", "code": code, "words": words}
    if seen["ranks"] or not seen["code"]:
        return None
    words, frame = last_words(seen["launcher"])
    cause = "rendezvous" if _RENDEZVOUS.search(seen["launcher"]) else "not-started"
    return {"state": "failed", "cause": cause, "code": seen["code"], "words": words, "frame": frame}


def _finished(seen: Facts, end: Facts) -> Optional[Facts]:
    if end["code"] or any("ended" not in rank for rank in seen["ranks"]):
        return None
    if seen["code"] and len(seen["ranks"]) < seen["expected"]:
        return None
    return {"state": "finished"}


def _failed(seen: Facts, end: Facts) -> Facts:
    tail = seen["tails"].get(end["rank"], "")
    signal = end["signal"] or (_SHELL_SIGNALS.get(end["code"]) if seen["shell"] else None)
    code = end["code"] or seen["code"] or 1
    told: Facts = {"state": "failed", "code": code, "signal": signal}
    if seen["oom_kills"] and (signal == "SIGKILL" or _KILLED_CHILD.search(tail)):
        return {**told, "cause": "host-memory", **({"words": "", "frame": None} if signal else {})}
    if _DEVICE.search(end["words"]):
        return {**told, "cause": "device-memory"}
    if signal in ("SIGKILL", "SIGTERM"):
        return {**told, "state": "killed", "cause": "outside", "words": "", "frame": None}
    if signal:
        return {**told, "cause": "signal"}
    return {**told, "cause": "rendezvous" if _RENDEZVOUS.search(end["words"]) else "script-error"}


def last_words(tail: str) -> Tuple[str, Optional[Facts]]:
    """Return the line that says what went wrong, and the last frame of the traceback that it belongs to."""
    lines = [_ANSI.sub("", line).rstrip() for line in tail.replace("\r", "\n").split("\n")]
    starts = [number for number, line in enumerate(lines) if line.endswith(_TRACEBACK)]
    if starts:
        frame, words = _traceback(lines[starts[-1] + 1 :])
        if words:
            return words[:WORDS], frame
    spoken = [line for line in lines if line.strip()]
    words = spoken[-1].strip()[:WORDS] if spoken else ""
    return words, _unread(spoken[-_UNREAD:]) if _SYNTAX.match(words) else None


def _unread(lines: List[str]) -> Optional[Facts]:
    """Return where Python could not read a script: there is no traceback then, but a place."""
    return next((frame for start in range(len(lines)) if (frame := _traceback(lines[start:])[0])), None)


def _traceback(lines: List[str]) -> Tuple[Optional[Facts], str]:
    """Return the last frame, and the exception's line: the first after the frames that is not indented."""
    frame: Optional[Facts] = None
    for number, line in enumerate(lines):
        found = _FRAME.match(line)
        if found:
            frame = {
                "file": found["file"],
                "line": int(found["line"]),
                "function": found["function"] or "",
                "text": _source_line(lines[number + 1 : number + 2]),
            }
        elif line and not line[0].isspace():
            return frame, line
    return frame, ""


def _source_line(following: List[str]) -> str:
    return "".join(line.strip() for line in following if line.startswith("    ") and not _FRAME.match(line))


def sentence(end: Facts, seen: Facts) -> str:
    """Say in one sentence how it ended."""
    told = SENTENCES[end["cause"]].format(
        who=_who(end, seen),
        code=end["code"],
        signal=end["signal"] or "a signal",
        words=end["words"],
        last=_last(end),
    )
    if end["cause"] == "outside" and end["state"] == "stopped":
        told = (
            "asked to end from outside (SIGTERM): by docker stop, or as the engine or the machine went down"
        )
    frame = end["frame"]
    if frame and end["cause"] == "signal":  # torch may abort at the end of a process that an exception ended
        told += f" after {end['words']}"
    if frame and end["cause"] in ("script-error", "signal", "device-memory", "rendezvous"):
        where = f" in {frame['function']}" if frame["function"] else ""
        told += f" ({frame['file']}:{frame['line']}{where})"
    if seen.get("is_full") and end["state"] == "failed":
        told = f"{told}; the disk of its folder is full"
    if seen.get("behind") and end["state"] == "finished":
        told += f"; what it left running was ended: {', '.join(seen['behind'])[:WORDS]}"
    if seen["unkillable"]:
        told += f"; {seen['unkillable']} of its processes cannot be killed (state D, in the kernel)"
    return told


def _last(end: Facts) -> str:
    """Return what was said last; what no traceback leads to may say nothing of the failure."""
    words = end["words"]
    return f"{': ' if end['frame'] else '; its last line: '}{words}" if words else ""


def _who(end: Facts, seen: Facts) -> str:
    if end["rank"] is not None and seen.get("host"):
        return f"rank {end['rank']} on {seen['host']}"
    if end["rank"] is None or seen["expected"] == 1:
        return "the script"
    return f"rank {end['rank']}"


SENTENCES = {
    None: "finished",
    "script-error": "{who} failed with exit code {code}{last}",
    "host-memory": "{who} was killed by the kernel: the memory that the container may use was full",
    "device-memory": "{who} ran out of the device's memory: {words}",
    "signal": "{who} crashed: {signal}",
    "not-started": "not started: {words}",
    "rendezvous": "the processes did not find each other: {words}",
    "user": "stopped by the user",
    "outside": "ended from outside by {signal}",
    "timeout": "stopped: its time was over",
    "node-lost": "{words}",
    "engine-lost": "lost: its container ended without a word, as when the machine or the engine stops",
}
