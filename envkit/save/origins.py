"""Where the packages of an environment came from: what a spec that brings them back has to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from packaging.utils import canonicalize_name

from envkit.engines.base import Engine
from envkit.errors import EngineError
from envkit.image import expectation, probe
from envkit.image.evidence import Facts
from envkit.image.inventory import manifest_of
from envkit.save.apt_roots import Needs, needs_of, roots
from envkit.save.plan import CommitPlan, packages_between


@dataclass(frozen=True, kw_only=True)
class Direct:
    """Where a package of pip came from that came from no index (PEP 610)."""

    url: str
    kind: str = "file"  # git | hg | … | archive | file
    commit: str = ""
    subfolder: str = ""
    sha256: str = ""

    @property
    def requirement(self) -> str:
        """Return the URL as a requirement has it; "" for one that only this environment can read."""
        if self.kind == "file" or "@" in self.url.partition("//")[2].partition("/")[0]:
            return ""
        if self.kind == "archive":
            return self.url + (f"#sha256={self.sha256}" if self.sha256 else "")
        return f"{self.kind}+{self.url}@{self.commit}" + (
            f"#subdirectory={self.subfolder}" if self.subfolder else ""
        )


@dataclass(frozen=True, kw_only=True)
class Origins:
    """Where things came from, and what does not fit together."""

    direct: Mapping[str, Direct] = field(default_factory=dict)  # canonical name → where from
    apt: frozenset[str] = frozenset()  # those that have to be asked for
    foreign: frozenset[str] = frozenset()  # of these, no mirror has that version
    npm: tuple[str, ...] = ()  # NAME@VERSION, installed for all
    clashes: tuple[str, ...] = ()  # in pip's words


def origins(engine: Engine, plan: CommitPlan) -> Origins:
    """Ask a running environment where its packages came from; nothing is written there."""
    new = {one.name: one.after or "" for one in plan.packages or () if one.group == "apt" and one.after}
    added = [one.name for one in plan.packages or () if one.group == "apt" and one.before is None]
    expect = expectation.of_image(plan.sight.image)
    asked = {"python": expect.python_path if expect else "", "apt": sorted(new)}
    found = probe.ask_by_word(engine, plan.sight.container.id, "save_origins", asked)
    if found.error:
        raise EngineError(
            f"it cannot be seen where the packages of {plan.environment} came from: {found.error}",
            fix="leave --to-spec out, and the image is saved all the same",
        )
    wanted = frozenset(roots(added, plan.sight.manual, _needs(found)))
    return Origins(
        direct={
            canonicalize_name(name): _direct(found.part("direct").part(name))
            for name in found.part("direct").values
        },
        apt=wanted,
        foreign=_foreign(found, new),
        npm=_texts(found, "npm"),
        clashes=_texts(found, "clashes"),
    )


def since_built(engine: Engine, plan: CommitPlan) -> tuple[CommitPlan, tuple[str, ...]]:
    """Return the plan with the packages that earlier saves brought, too; or say that they are not known."""
    saves = [one for one in plan.sight.saves if one.how == "commit"]
    if not saves or plan.sight.now is None:
        return plan, ()
    first = saves[-1]
    if engine.images.inspect(first.image) is None:
        said = f"{len(saves)} earlier saves went into {plan.from_tag or 'its image'}"
        return plan, (
            f"{said}, and {first.tag or 'what they began with'} is not here: only new packages are told",
        )
    before = manifest_of(engine, first.image)
    return replace(plan, packages=packages_between(before, plan.sight.now)), ()


def _needs(found: Facts) -> dict[str, Needs]:
    return {
        row.text("Package"): needs_of(
            needed=f"{row.text('Pre-Depends')},{row.text('Depends')}", recommended=row.text("Recommends")
        )
        for row in found.rows("needs")
    }


def _foreign(found: Facts, versions: Mapping[str, str]) -> frozenset[str]:
    offered = found.values.get("offered")
    if not isinstance(offered, dict):
        return frozenset()  # no list of a mirror is here: nobody knows
    return frozenset(name for name, version in versions.items() if version not in (offered.get(name) or ()))


def _direct(row: Facts) -> Direct:
    url, vcs, archive = row.text("url"), row.part("vcs_info"), row.part("archive_info")
    if vcs.text("vcs"):
        commit, folder = vcs.text("commit_id"), row.text("subdirectory")
        return Direct(url=url, kind=vcs.text("vcs"), commit=commit, subfolder=folder)
    if url.startswith(("http://", "https://")):
        return Direct(url=url, kind="archive", sha256=archive.part("hashes").text("sha256"))
    return Direct(url=url)


def _texts(found: Facts, name: str) -> tuple[str, ...]:
    words = found.values.get(name)
    return tuple(map(str, words)) if isinstance(words, list) else ()
