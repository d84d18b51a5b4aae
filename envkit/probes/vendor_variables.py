"""Write down the variables that a vendor's scripts set, and keep login shells from running those again.

Arguments: the user's Python environment, a script that bash sources, the file that gets the variables as a
JSON object, and names that stay as they are. Beside it, `variables.Dockerfile` is for who builds by hand:
`envkit render` says how. The script finds that Python in ENVKIT_PYTHON.

A variable counts when sourcing changes it. Lists of paths lose what is empty (programs take that for the
folder they stand in) and what comes twice; the user's Python comes first on PATH.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

# Where vendors' images run their scripts (facts A2.3): a login shell would put the same paths in front again.
START_FILES = (
    *("etc/profile", "etc/profile.d/*.sh", "etc/bash.bashrc", "etc/bashrc", "etc/skel/.*"),
    *("root/.bashrc", "root/.profile", "root/.bash_profile", "home/*/.bashrc", "home/*/.profile"),
)
_SOURCING = re.compile(
    r"(^|[\s;&|({])(?:source|\.)(\s+[\"']?[^\s;&|]*/set_?env\.(?:sh|bash)\b)", re.MULTILINE
)
_STUBS = re.compile(r"/(devlib|stubs?)(/|$)")
_OF_SHELLS = {"_", "PWD", "OLDPWD", "SHLVL"}


def environment_after(command: str) -> dict[str, str]:
    """Return the environment that bash has after a command; the command's own words go to stderr."""
    words = ("bash", "-c", f"{{ {command}; }} >&2; env -0", "bash")
    done = subprocess.run(words, stdout=subprocess.PIPE, check=False, text=True, errors="replace")
    if done.returncode:
        sys.exit(done.returncode)
    pairs = (entry.partition("=")[::2] for entry in done.stdout.split("\0"))
    return {name: value for name, value in pairs if re.fullmatch(r"[A-Za-z_]\w*", name)}


def set_by(before: dict[str, str], after: dict[str, str], home: str = "/opt/venv") -> dict[str, str]:
    """Return what came or changed, tidy; an empty element of a list is a change too."""
    after = {**after, "PATH": f"{home}/bin:{after.get('PATH', '')}"}
    after["LD_LIBRARY_PATH"] = without_stubs(after.get("LD_LIBRARY_PATH", ""))
    changed = {
        name: tidy(value)
        for name, value in after.items()
        if name not in _OF_SHELLS and (value != before.get(name) or name.endswith("PATH"))
    }
    return {
        name: value
        for name, value in sorted(changed.items())
        if value != before.get(name, "") and value.isprintable()
    }


def tidy(value: str) -> str:
    """Return a list of absolute paths without what is empty or comes twice; any other value as it is."""
    parts = value.split(":")
    if len(parts) < 2 or not all(part.startswith("/") or not part for part in parts):
        return value
    return ":".join(dict.fromkeys(part for part in parts if part))


def without_stubs(value: str) -> str:
    """Return a library path without folders of stubs, which scripts add where no driver is, as in a build.

    With a driver they would be found in its libraries' place (facts A2.3: error 100039).
    """
    return ":".join(part for part in value.split(":") if not _STUBS.search(part))


def dockerfile(variables: dict[str, str]) -> str:
    """Return the last step, which `envkit build` does by itself: the image IMAGE with these variables."""
    lines = ["ARG IMAGE", "FROM ${IMAGE}"]
    for name, value in variables.items():
        quoted = re.sub(r'([\\"$])', r"\\\1", value)
        lines.append(f'ENV {name}="{quoted}"')
    return "\n".join(lines) + "\n"


def disarm(text: str) -> str:
    """Return a shell's start file with nothing done where it sourced a vendor's script.

    `:` is a command too: whatever stands around it keeps its grammar.
    """
    return _SOURCING.sub(r"\1:\2", text)


def disarm_files(root: Path, patterns: Iterable[str] = START_FILES) -> None:
    """Rewrite the start files of a system that source a vendor's script."""
    for pattern in patterns:
        for path in sorted(root.glob(pattern)):
            if not path.is_file():
                continue
            text = path.read_text(encoding="utf-8", errors="surrogateescape")
            changed = disarm(text)
            if changed != text:
                path.write_text(changed, encoding="utf-8", errors="surrogateescape")
                print(f"{path}: the image has these variables already")


def main() -> None:
    """Run the script, write the answer."""
    home, script, target, *kept = sys.argv[1:]
    sourced = environment_after(f"ENVKIT_PYTHON={home}/bin/python; . {script}")
    found = set_by(environment_after(":"), sourced, home)
    left = {name: value for name, value in found.items() if name not in kept}
    Path(target).write_text(json.dumps(left, indent=1) + "\n", encoding="utf-8")
    Path(target).with_suffix(".Dockerfile").write_text(dockerfile(left), encoding="utf-8")
    disarm_files(Path("/"))
    print(f"{script} sets {', '.join(left)}")


if __name__ == "__main__":
    main()
