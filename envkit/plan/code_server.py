"""Where code-server comes from: the first of the ways that this machine can reach, and why."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Literal

from envkit import compat
from envkit.accelerators.fit import Misfit
from envkit.plan.build_plan import CodeServerPlan, Decision, ExtensionPlan
from envkit.plan.facts import BuildFacts
from envkit.spec.model import CodeServer, Extension

Source = Literal["release", "npm", "file", "script"]

# Where a user's own release file lies in the context's `code-server/`: it cannot take the name of another.
FILES = "files/"


def choose(wanted: CodeServer, facts: BuildFacts) -> tuple[CodeServerPlan, Decision]:
    """Choose the source; Misfit when the spec's own choice cannot work."""
    source, reason = (
        (wanted.source, "the spec asks for it") if wanted.source != "auto" else _automatic(wanted, facts)
    )
    data = compat.table("code_server")
    row = data["rows"].get(wanted.version or "", {})
    sha256 = wanted.sha256 or row.get(facts.architecture, "")
    if source in ("release", "file") and not sha256:
        raise Misfit(
            key="ide.code_server.source",
            what=f"no sha256 is known for code-server {wanted.version}: the file could not be checked",
            fix="add `sha256:` (the release page lists it), or use `source: npm`",
        )
    urls = {
        "release": data["release"].format(version=wanted.version, architecture=facts.architecture),
        "script": data["script"],
    }
    plan = CodeServerPlan(
        version=wanted.version if source != "script" else None,
        source=source,
        url=urls.get(source, ""),
        sha256=sha256 if source in ("release", "file") else "",
        integrity=row.get("npm", "") if source == "npm" else "",
        file=FILES + base_name(wanted.file) if source == "file" and wanted.file else "",
        extensions=_extensions(wanted.extensions),
        gallery=data["gallery"],
    )
    value = f"{wanted.version if source != 'script' else 'the newest'} from {source}"
    return plan, Decision(name="code-server", value=value, reason=reason)


def extensions_decision(plan: CodeServerPlan, facts: BuildFacts) -> Decision:
    """Say which extensions come with it, and from where."""
    names = [e.name + (" (optional)" if e.optional else "") for e in plan.extensions]
    places = {"the spec's own files" if e.vsix else "the gallery" for e in plan.extensions}
    reason = f"from {' and '.join(sorted(places))}"
    if facts.reachable.get("gallery") is False and any(e.optional and e.id for e in plan.extensions):
        reason += "; it cannot be reached from here: what is optional is left out, and the verdict says so"
    return Decision(name="extensions", value=", ".join(names), reason=reason)


def warnings(plan: CodeServerPlan, facts: BuildFacts) -> list[str]:
    """Return what a user must know of the choice."""
    found = []
    needed = [extension.name for extension in plan.extensions if extension.id and not extension.optional]
    if needed and facts.reachable.get("gallery") is False:
        found.append(
            f"the gallery cannot be reached from here: without {', '.join(needed)}, which must be there, "
            "the build will fail; mark it `optional: true`, or name its `.vsix` file"
        )
    if plan.source == "script":
        found.append(
            "code-server comes from the official install script: no version and no checksum is pinned"
        )
    if plan.source == "npm" and not plan.integrity:
        found.append(
            f"code-server {plan.version} is not in envkit's table: its integrity is the registry's word"
        )
    return found


def script_words(plan: CodeServerPlan) -> str:
    """Return the plan as the shell assignments that install_code_server.sh sources."""
    values = {
        "SOURCE": plan.source,
        "VERSION": plan.version or "",
        "URL": plan.url,
        "SHA256": plan.sha256,
        "INTEGRITY": plan.integrity,
        "FILE": plan.file,
    }
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())


def extension_rows(plan: CodeServerPlan) -> dict[str, object]:
    """Return the plan of the extensions as install_extensions.py reads it."""
    rows = [
        {"vsix": extension.vsix, "optional": extension.optional}
        if extension.vsix
        else {"id": extension.id, "version": extension.version, "optional": extension.optional}
        for extension in plan.extensions
    ]
    return {"gallery": plan.gallery, "extensions": rows}


def _extensions(wanted: Sequence[Extension]) -> tuple[ExtensionPlan, ...]:
    """Return the extensions; Misfit for a file that is none, or whose name another has: it would be lost."""
    found: list[ExtensionPlan] = []
    for index, extension in enumerate(wanted):
        identity, _, version = (extension.id or "").partition("@")
        vsix = base_name(extension.vsix or "")
        key = f"ide.code_server.extensions.{index}"
        if vsix and not vsix.endswith(".vsix"):
            raise Misfit(key=key, what=f"{vsix} is no `.vsix` file", fix="name an extension's file")
        if vsix and vsix in {other.vsix for other in found}:
            raise Misfit(key=key, what=f"two extensions' files are called {vsix}", fix="rename one of them")
        found.append(ExtensionPlan(id=identity, version=version, vsix=vsix, optional=extension.optional))
    return tuple(found)


def _automatic(wanted: CodeServer, facts: BuildFacts) -> tuple[Source, str]:
    known = wanted.sha256 or compat.table("code_server")["rows"].get(wanted.version or "", {}).get(
        facts.architecture
    )
    if known and facts.reachable.get("release", False):
        return "release", "the release page can be reached and the file's sha256 is known"
    if known and "release" in facts.reachable:
        return "npm", "the release page cannot be reached from here"
    if known:
        return "npm", "whether the release page can be reached was not tried"
    return "npm", "envkit knows no sha256 of the release file"


def base_name(path: str) -> str:
    """Return the last part of a path."""
    return path.rpartition("/")[2]
