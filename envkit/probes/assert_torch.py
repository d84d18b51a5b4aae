"""Fail the build when torch is not the one that was planned, and name the package that changed it.

Arguments: `torch.json` (`{"version", "build", "npu", "of_base"}`; build is `cpu`, `cuXYZ` or `any`) and the
step that has just run. Reads metadata and `torch/version.py`; nothing is imported, because an accelerator's
torch may need a driver to import.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def installed(name: str) -> str | None:
    """Return the version of a distribution, or None."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def build_of_torch() -> str:
    """Return `cpu` or `cuXYZ`, as torch/version.py says."""
    place = importlib.metadata.distribution("torch").locate_file("torch/version.py")
    text = Path(str(place)).read_text(encoding="utf-8")
    found = re.search(r"^cuda\b[^=]*= *['\"]([0-9.]+)['\"]", text, re.MULTILINE)
    return "cu" + found.group(1).replace(".", "") if found else "cpu"


def place_of_torch() -> Path:
    """Return the folder of packages that torch is in."""
    return Path(str(importlib.metadata.distribution("torch").locate_file("")))


def who_asks_for(name: str) -> list[str]:
    """Return the requirements on a package, each with who asks for it."""
    asked = []
    for distribution in importlib.metadata.distributions():
        for requirement in distribution.requires or ():
            if re.match(rf"{name}(?![\w-])", requirement, re.IGNORECASE) and "extra ==" not in requirement:
                who = f"{distribution.metadata['Name']} {distribution.version}"
                asked.append(f"{who} asks for '{requirement}'")
    return sorted(asked)


def problems(plan: dict[str, Any]) -> Iterator[str]:
    """Return what is not as planned, one sentence each."""
    version = installed("torch")
    if version is None:
        yield f"torch {plan['version']} was planned, none is there"
        return
    build = build_of_torch()
    if version.split("+")[0] != plan["version"] or plan["build"] not in ("any", build):
        yield f"torch {plan['version']} ({plan['build']}) was planned, {version} ({build}) is there"
    if plan.get("of_base") and place_of_torch().is_relative_to(sys.prefix):
        yield f"torch was to stay the base's own, and {version} was installed over it, in {sys.prefix}"
    if plan.get("npu") and installed("torch-npu") != plan["npu"]:
        yield f"torch_npu {plan['npu']} was planned, {installed('torch-npu')} is there"


def main() -> None:
    """Say what is wrong and who did it."""
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    found = list(problems(plan))
    for problem in found:
        print(f"envkit-assert: {problem} (after the step '{sys.argv[2]}')")
        for asked in who_asks_for("torch"):
            print(f"envkit-assert:   {asked}")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
