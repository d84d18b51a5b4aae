"""What the plan of an adopted image says and shows of what is the image's own."""

from __future__ import annotations

import json
import re
import shlex

from envkit.plan.build_plan import Decision
from envkit.plan.kept import Kept

LABEL = "io.envkit.adopted"
# Each folder of a list once, none that is empty, no stubs of libraries: as probes/vendor_variables.py does.
_TIDY = """\
tidy() {
    tidied=; IFS=:; set -f
    for part in $2; do
        case $1:$part in LD_LIBRARY_PATH:*/devlib | LD_LIBRARY_PATH:*/devlib/* | LD_LIBRARY_PATH:*/stub | \\
            LD_LIBRARY_PATH:*/stub/* | LD_LIBRARY_PATH:*/stubs | LD_LIBRARY_PATH:*/stubs/*) continue ;; esac
        case :$tidied: in *:"$part":*) ;; *) [ -z "$part" ] || tidied=$tidied${tidied:+:}$part ;; esac
    done
    printf %s "$tidied"
}"""


def wraps(kept: Kept | None) -> bool:
    """Tell whether a given command goes through the image's own entrypoint."""
    return bool(kept and kept.entrypoint and kept.entrypoint.wraps)


def base(kept: Kept | None) -> Decision | None:
    """Say what the image is built on, when that is adopted."""
    if kept is None:
        return None
    if kept.container:
        reason = f"of {kept.reference}: its files, not its mounts or the variables that it was started with"
        return Decision(name="base", value=f"a copy of {kept.container}", reason=reason)
    return Decision(name="base", value=kept.reference, reason="adopted: it stays as it is")


def decisions(kept: Kept | None) -> tuple[Decision, ...]:
    """Say what becomes of its entrypoint and what that sets."""
    if kept is None:
        return ()
    if kept.entrypoint is None:
        return (
            Decision(name="entrypoint", value="none", reason="the image has none: commands run as they are"),
        )
    words = shlex.join(kept.entrypoint.words)
    if not kept.entrypoint.wraps:
        reason = "tried, it did not run a command: kept in a label, and `docker run` goes without"
        return (Decision(name="entrypoint", value=words, reason=reason),)
    found = [
        Decision(
            name="entrypoint", value=words, reason="tried, it runs a command: every given one goes through"
        )
    ]
    if kept.entrypoint.sets:
        names = ", ".join(name for name, _ in kept.entrypoint.sets)
        found.append(Decision(name="variables", value=names, reason="it sets them: the IDEs have them too"))
    return tuple(found)


def labels(kept: Kept | None) -> dict[str, str]:
    """Return the labels that keep what the image was: from what it was made, and how it started."""
    if kept is None:
        return {}
    was = {
        "from": kept.reference,
        "container": kept.container,
        "entrypoint": list(kept.entrypoint.words) if kept.entrypoint else [],
        "command": list(kept.command),
        "user": kept.user,
        "directory": kept.directory,
        "python": kept.python.program if kept.python else "",
    }
    text = json.dumps(was, sort_keys=True, separators=(",", ":"))
    return {LABEL: text, "org.opencontainers.image.base.name": kept.reference}


def entrypoint_script(kept: Kept, home: str) -> str:
    """Return the script that puts a given command through the image's own entrypoint.

    That one is to find what it found before: where a variable has the value that the image gives it, it gets
    the old one back. Afterwards the user's Python comes first again.
    """
    assert kept.entrypoint is not None
    old = dict(kept.env)
    now = {**dict(kept.entrypoint.sets), "HOME": "/work/home"}
    now["PATH"] = f"{home}/bin:{kept.entrypoint.path or old.get('PATH', '')}"
    old["HOME"] = kept.home
    return "\n".join(
        (
            "#!/bin/sh",
            "# Made by `envkit adopt`: a given command goes through the entrypoint that the image had.",
            '[ "$#" -gt 1 ] || [ "${1-ide}" != ide ] || exec /opt/envkit/bin/entrypoint ide',
            "# What the image gives a variable, it had otherwise when that entrypoint was written.",
            *(_back(name, value, old.get(name)) for name, value in sorted(now.items())),
            "ENVKIT_DIRECTORY=$(pwd); export ENVKIT_DIRECTORY",
            f"cd {shlex.quote(kept.directory)} 2>/dev/null || true",
            f'exec {shlex.join(kept.entrypoint.words)} /bin/sh /opt/envkit/etc/after_entrypoint.sh "$@"',
            "",
        )
    )


def after_script(kept: Kept, home: str, *, tidied: bool = False) -> str:
    """Return the script that the image's own entrypoint runs: it runs the command.

    `tidied`: the image holds what its maker's scripts set, each folder once (probes/vendor_variables.py). An
    entrypoint that runs those scripts puts the same folders in front again: they are tidied here, too.
    """
    first = shlex.quote(f"{home}/bin")
    lists = _lists(kept) if tidied else ()
    return "\n".join(
        (
            "#!/bin/sh",
            "# Made by `envkit adopt`: what the image's own entrypoint runs, which runs the given command.",
            f"case $PATH in {first}:*) ;; *) PATH={first}:$PATH; export PATH;; esac",
            *((_TIDY,) if lists else ()),
            *(f'{name}=$(tidy {name} "${name}"); export {name}' for name in lists),
            f'[ "${{HOME-}}" != {shlex.quote(kept.home)} ] || export HOME=/work/home',
            'cd "$ENVKIT_DIRECTORY"; unset ENVKIT_DIRECTORY',
            'exec "$@"',
            "",
        )
    )


def _lists(kept: Kept) -> tuple[str, ...]:
    """Return the variables of its entrypoint that are lists of folders."""
    assert kept.entrypoint is not None
    found = {name for name, value in kept.entrypoint.sets if re.fullmatch(r"(?::*/[^:]*)+:*", value)}
    return tuple(sorted(name for name in found if ":" in dict(kept.entrypoint.sets)[name]))


def _back(name: str, value: str, old: str | None) -> str:
    undo = f"unset {name}" if old is None else f"export {name}={shlex.quote(old)}"
    return f'[ "${{{name}-}}" != {shlex.quote(value)} ] || {undo}'
