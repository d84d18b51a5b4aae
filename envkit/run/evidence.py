"""Read what lies in the folders of all runs with one command, and make values of it.

What a script broke, cut or made itself is no error here: it is left out, and said beside the run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, TypeVar

from envkit.errors import HostError
from envkit.hosts.base import Command, Host
from envkit.run import from_json
from envkit.run.folder import TASKS, Attempt, End, RunRecord, Stop, Supervisor
from envkit.run.states import Evidence

T = TypeVar("T")

# What is long in a summary, and no list needs (the uncommitted changes, the packages), is left out where it
# lies: its lines are known by how the supervisor writes them; one that is written otherwise comes whole. Of
# a file of many MB the beginning is taken. None is followed out of its folder, or waited for (a pipe).
_READ = r"""
summaries=$1 evidence=$2; shift 2
short='FNR == 1 { printf "\n==> %s <==\n", FILENAME; skip = 0 }
  /^ "packages": \{$/ { skip = 1 } /^  "diff": / { next } !skip { print } /^ \}/ { skip = 0 }'
date +%s; cat /proc/sys/kernel/random/boot_id
for tasks do
  cd "$tasks" 2>/dev/null || continue
  printf '\n==> %s <==\n' "$tasks"
  printf '%s\0' $summaries | xargs -0 sh -c 'short=$1; shift
    find "$@" -maxdepth 0 -type f -size 0 -exec head -v {} + -o -type f -size -8192 -exec awk "$short" {} + \
      -o -type f -exec head -v -c 16384 {} +' sh "$short" 2>/dev/null
  echo
  printf '%s\0' $evidence | xargs -0 sh -c '
    find "$@" -maxdepth 0 -type f -exec head -v -c 524288 {} +' sh 2>/dev/null
done
exit 0
"""
_SUMMARY_BYTES = 16_384  # of one that is not read whole
_EVIDENCE = ("supervisor", "stop", "end")  # an end.json of 1,000 ranks has about 200 kB
_BEFORE, _BEHIND = "\n==> ", " <==\n"  # of a file's name, as `head -v` prints it
_SUMMARY = re.compile(r"\./([^/]+)/run\.json")
_OF_ATTEMPT = re.compile(rf"\./([^/]+)/attempts/([1-9]\d{{0,5}})/({'|'.join(_EVIDENCE)})\.json")
_TIMEOUT_S = 60.0
# What a list shows of a summary; the rest is read when one run is looked at.
_LONG = ("git", "packages")


@dataclass(frozen=True, kw_only=True)
class Found:
    """What lies in one run's folder."""

    home: str
    name: str
    record: RunRecord
    evidence: Evidence
    attempt: int
    started: float | None
    damaged: tuple[str, ...] = ()  # files that do not hold what they should


@dataclass(frozen=True, kw_only=True)
class Look:
    """All runs' folders, and the machine's clock."""

    now: float
    boot_id: str
    runs: tuple[Found, ...]


@dataclass
class _Files:
    """The texts of one run, as they stand there."""

    summary: str | None = None
    attempts: dict[int, dict[str, str]] = field(default_factory=dict)


def look(host: Host, homes: Iterable[str], name: str = "*") -> Look:
    """Read the runs below these homes, or only those of one name."""
    where = [str(PurePosixPath(home) / TASKS) for home in dict.fromkeys(homes)]
    evidence = (f"./{name}/attempts/*/{one}.json" for one in _EVIDENCE)
    words = ("sh", "-c", _READ, "sh", f"./{name}/run.json", " ".join(evidence), *where)
    done = host.run(Command(words=words, env={"LC_ALL": "C"}, timeout_s=_TIMEOUT_S))
    first, _, rest = done.stdout.partition("\n")
    if not first.isdigit():
        raise HostError(
            f"{host.name}: its runs cannot be listed: {done.stderr.strip()[:200]}", fix="run it again"
        )
    boot_id, _, texts = rest.partition("\n")
    files = _sorted(texts)
    runs = (_found(home, name, one) for (home, name), one in sorted(files.items()) if one.summary is not None)
    return Look(now=float(first), boot_id=boot_id.strip(), runs=tuple(runs))


def _sorted(texts: str) -> dict[tuple[str, str], _Files]:
    """Put what `head` printed, each file below its name, to its run."""
    files: dict[tuple[str, str], _Files] = {}
    home = ""
    for piece in texts.split(_BEFORE)[1:]:
        path, _, text = piece.partition(_BEHIND)
        if path.startswith("/"):
            home = str(PurePosixPath(path).parent)
        elif summary := _SUMMARY.fullmatch(path):
            files.setdefault((home, summary[1]), _Files()).summary = text
        elif part := _OF_ATTEMPT.fullmatch(path):
            of_run = files.setdefault((home, part[1]), _Files())
            of_run.attempts.setdefault(int(part[2]), {})[part[3]] = text
    return files


def _found(home: str, name: str, files: _Files) -> Found:
    damaged: list[str] = []
    number = max(files.attempts, default=1)
    texts = files.attempts.get(number, {})

    def read(kind: type[T], which: str) -> T | None:
        return _read(kind, texts.get(which), f"attempts/{number}/{which}.json", damaged)

    supervisor, stop, end = read(Supervisor, "supervisor"), read(Stop, "stop"), read(End, "end")
    summary = _summary(files.summary or "", damaged)
    record = _record(name, summary, number, damaged)
    if end is None and record.attempt.number == number:
        end = record.attempt.end
    return Found(
        home=home,
        name=name,
        record=record,
        attempt=number,
        evidence=Evidence(begun=bool(supervisor or end), end=end, stop=stop, supervisor=supervisor),
        started=(end and end.started) or (record.attempt.number == number and record.attempt.started) or None,
        damaged=tuple(damaged),
    )


def _read(kind: type[T], text: str | None, name: str, damaged: list[str]) -> T | None:
    if text is None:
        return None
    try:
        return from_json.read(kind, text.encode("utf-8", "surrogatepass"), name=name)
    except from_json.Damaged:
        damaged.append(name)
        return None


def _summary(text: str, damaged: list[str]) -> dict[str, Any]:
    """Return what a summary holds, as far as it can be read and a list needs it."""
    keys, whole = beginning(text)
    if not whole and len(text.encode()) < _SUMMARY_BYTES:
        damaged.append("run.json")
    return {key: value for key, value in keys.items() if key not in _LONG}


def _record(name: str, summary: Mapping[str, Any], attempt: int, damaged: list[str]) -> RunRecord:
    try:
        told = {"attempt": {"number": attempt}, **summary, "name": name}
        return from_json.record(RunRecord, told, name="run.json")
    except from_json.Damaged:
        damaged.append("run.json")
        return RunRecord(name=name, attempt=Attempt(number=attempt))


def beginning(text: str) -> tuple[dict[str, Any], bool]:
    """Return what the beginning of an object of JSON holds, and whether it is all of it."""
    try:
        whole = json.loads(text)
        return (whole, True) if isinstance(whole, dict) else ({}, False)
    except ValueError:
        pass
    decoder, found = json.JSONDecoder(), dict[str, Any]()
    position = text.find("{") + 1
    try:
        while position:
            position = text.index('"', position)
            key, position = decoder.raw_decode(text, position)
            position = len(text) - len(text[position:].lstrip()[1:].lstrip())  # over the colon
            value, position = decoder.raw_decode(text, position)
            if position >= len(text):
                break  # a number may be longer than what is seen of it
            found[key] = value
    except ValueError:
        pass
    return found, False
