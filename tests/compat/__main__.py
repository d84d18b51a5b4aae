"""Write `envkit/compat/wheels.json` anew from the package index: `python -m tests.compat`."""

from __future__ import annotations

import json
import re
import sys
from datetime import datetime, timezone
from typing import Any

from envkit import paths
from tests.compat.index import files, requirements
from tests.compat.wheels import MACHINES, rows

_PROJECTS = {"torch": "2.1", "torch-npu": "2.1"}
_ABOUT = (
    "written by `python -m tests.compat` from the package index: each final version's Pythons, the "
    "glibc that its wheels ask for, its last upload, and what a wheel of torch_npu says of torch"
)


def main() -> None:
    """Ask for every project, and write one row a line."""
    today = datetime.now(tz=timezone.utc).date().isoformat()
    written = {}
    for project, oldest in _PROJECTS.items():
        listed = files(project)
        found = rows(listed, oldest)
        for version, row in found.items():
            row["source"] = f"the package index's list of {project}, read {today}"
            if project == "torch-npu":
                row["requires"] = _requires(listed, version)
        written[project] = found
        sys.stdout.write(f"{project}: {len(found)} versions, {next(iter(found))} is the newest\n")
    (paths.compat() / "wheels.json").write_text(_text(today, written), "utf-8")


def _requires(listed: list[dict[str, Any]], version: str) -> dict[str, str]:
    """Return what one wheel per machine says of torch; "" when it says nothing."""
    found = {}
    for file in listed:
        name = re.fullmatch(
            rf"torch_npu-{re.escape(version)}-cp\d+-cp\d+-.*(x86_64|aarch64)\.whl", file["filename"]
        )
        if name and MACHINES[name[1]] not in found:
            said = [one for one in requirements(file["url"], file["size"]) if re.match(r"torch\b(?!-)", one)]
            found[MACHINES[name[1]]] = re.sub(r"[\s()]", "", said[0]) if said else ""
    return dict(sorted(found.items()))


def _text(today: str, written: dict[str, dict[str, Any]]) -> str:
    parts = []
    for project, found in written.items():
        lines = ",\n".join(f"    {json.dumps(version)}: {json.dumps(row)}" for version, row in found.items())
        parts.append(f"  {json.dumps(project)}: {{\n{lines}\n  }}")
    head = f'{{\n  "read": {json.dumps(today)},\n  "about": {json.dumps(_ABOUT)},\n'
    return head + ",\n".join(parts) + "\n}\n"


main()
