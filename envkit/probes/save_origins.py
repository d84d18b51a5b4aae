"""Say where an environment's packages came from, for a spec that is to bring them back; writes nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

TIMEOUT_S = 120
NODE_MODULES = (Path("/usr/local/lib/node_modules"), Path("/usr/lib/node_modules"))  # of `npm install -g`
NEEDS = ("Package", "Pre-Depends", "Depends", "Recommends")
# Runs under any Python: what was not taken from an index, by PEP 610.
DIRECT = (
    "import importlib.metadata as m, json; print(json.dumps("
    "{d.metadata['Name']: json.loads(t) for d in m.distributions() for t in [d.read_text('direct_url.json')]"
    " if t and d.metadata['Name']}))"
)


def said(*words: str) -> str:
    """Return what a program prints, whatever its exit code; nothing when it cannot be run."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def direct(python: str) -> dict[str, object]:
    """Return the packages that did not come from an index, and where they came from."""
    try:
        found = json.loads(said(python, "-I", "-c", DIRECT) or "{}") if python else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def needs() -> list[dict[str, str]]:
    """Return what each installed package of apt needs and recommends."""
    form = "\t".join(f"${{{name}}}" for name in NEEDS) + "\n"
    rows = (line.split("\t") for line in said("dpkg-query", "-W", "-f", form).splitlines())
    return [dict(zip(NEEDS, row, strict=True)) for row in rows if len(row) == len(NEEDS)]


def offered(names: list[str]) -> dict[str, list[str]] | None:
    """Return the versions that the mirrors have of these; None when no list of theirs is here."""
    lists = Path("/var/lib/apt/lists")
    if not names or not any(lists.glob("*_Packages*")):
        return None
    found: dict[str, list[str]] = {name: [] for name in names}
    for line in said("apt-cache", "madison", *names).splitlines():
        name, _, rest = line.partition("|")
        if name.strip() in found:
            found[name.strip()].append(rest.partition("|")[0].strip())
    return found


def global_npm() -> list[str]:
    """Return what `npm install -g` brought, as NAME@VERSION; what the distribution has is not named."""
    found = []
    for folder in NODE_MODULES:
        for pattern in ("*/package.json", "@*/*/package.json"):
            for file in sorted(folder.glob(pattern)):
                try:
                    about = json.loads(file.read_text(encoding="utf-8"))
                    found.append(f"{about['name']}@{about['version']}")
                except (OSError, ValueError, KeyError, TypeError):
                    continue
    return found


def main() -> None:
    """Read the plan from stdin, print what is there; `apt`: the packages whose origin is asked for."""
    plan = json.load(sys.stdin)
    python = str(plan.get("python") or shutil.which("python") or "")
    clashes = said(python, "-m", "pip", "check", "--disable-pip-version-check") if python else ""
    facts = {
        "direct": direct(python),
        "needs": needs(),
        "offered": offered(plan.get("apt", [])),
        "npm": global_npm(),
        "clashes": [
            line for line in clashes.splitlines() if " has requirement " in line or " requires " in line
        ],
    }
    print(json.dumps(facts))
