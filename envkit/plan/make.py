"""Make the plan of a build: a spec with every decision made, each with its reason. Pure."""

from __future__ import annotations

import json
from dataclasses import replace

from envkit import compat
from envkit.accelerators import needs
from envkit.accelerators.fit import AUTO, Misfit, below
from envkit.plan import adopted, bases, code_server, emulation, lists, managers
from envkit.plan.build_plan import (
    BasePlan,
    BuildPlan,
    CodeServerPlan,
    Decision,
    StepPlan,
    ToolsPlan,
    TorchPlan,
    UserPlan,
)
from envkit.plan.digest import digest_of
from envkit.plan.facts import BuildFacts, Inputs
from envkit.plan.parts import Parts
from envkit.plan.python import choose_python, choose_torch
from envkit.plan.resolve import refuse_old_glibc, resolve
from envkit.spec.model import CodeServer, Spec
from envkit.spec.reserved import OWNED

# What an image's entrypoint understands. 1 (images without the label): tokens, base URL, name.
# 2: it waits for secrets (ENVKIT_SECRET_NAMES), and its doors speak TLS (ENVKIT_TLS).
CONTRACT = 2


def make(spec: Spec, facts: BuildFacts, inputs: Inputs, shipped_digest: str) -> BuildPlan:
    """Decide everything; raise Misfit, which names the spec's key, when something cannot be."""
    facts = replace(facts, architecture=spec.target.machine or facts.architecture)
    if spec.base != AUTO:
        choose_python(
            spec, _known(spec, spec.base, facts), facts.kept
        )  # a wrong Python is told before what follows from it
    resolved = resolve(spec, facts)
    base = _known(spec, resolved.base, facts)
    managers.refuse_others(spec, base)
    refuse_old_glibc(resolved, base)
    python, python_decision = choose_python(spec, base, facts.kept)
    torch, torch_decision = choose_torch(resolved, python, facts, lists.wheels_of(spec, inputs))
    tools, tools_decisions = _tools(spec, base, facts)
    exact = resolved.torch.requirements if resolved.torch else ()
    parts = Parts(
        base=_base(base, resolved.base, facts),
        python=python,
        torch=torch,
        tools=tools,
        digest=digest_of(spec, inputs, shipped_digest, facts.base_id, (resolved.base, *exact)),
        resolved=resolved,
    )
    decisions = (
        *_target_decision(spec),
        *emulation.decision(facts),
        adopted.base(facts.kept) or Decision(name="base", value=resolved.base, reason=resolved.base_reason),
        Decision(name="distribution", value=base.distribution, reason=base.reason),
        python_decision,
        torch_decision,
        *tools_decisions,
        *adopted.decisions(facts.kept),
        _user_decision(spec),
        _builder_decision(facts),
    )
    return _compose(spec, facts, inputs, parts, decisions)


def base_reference(spec: Spec, architecture: str = "amd64") -> str:
    """Return the base image that a spec means; Misfit when nothing fits."""
    return spec.base if spec.base != AUTO else resolve(spec, BuildFacts(architecture=architecture)).base


def _compose(
    spec: Spec, facts: BuildFacts, inputs: Inputs, parts: Parts, decisions: tuple[Decision, ...]
) -> BuildPlan:
    user = UserPlan(name=spec.user.name, uid=spec.user.uid, gid=spec.user.gid)
    requirements = tuple(lists.requirements_name(number) for number in range(len(spec.pip.requirements)))
    door = isinstance(spec.ide.code_server, CodeServer) and spec.ide.code_server.own_door
    return BuildPlan(
        name=spec.name,
        tag=f"{spec.name}:dev",
        builder=facts.builder,
        # Its steps hold a cache for long when they are emulated: nobody else is to wait for them.
        cache_prefix=f"{facts.cache}-{facts.architecture}" if facts.is_foreign else facts.cache,
        own_template=spec.template or "",
        template="user.j2" if spec.template else f"{spec.accelerator}/Dockerfile.j2",
        accelerator=spec.accelerator,
        base=parts.base,
        tools=parts.tools,
        python=parts.python,
        torch=parts.torch,
        requirements=requirements,
        wheels=bool(spec.pip.wheels or (facts.wheels and _is_at_hand(parts.torch))),
        own_wheels=lists.projects(lists.wheels_of(spec, inputs)),
        user=user,
        env=tuple(spec.env.items()),
        labels=_labels(spec, facts, parts, door),
        steps=_steps(spec, inputs),
        own_door=door,
        kept=facts.kept,
        tensorboard=spec.services.tensorboard,
        lab_settings=spec.ide.jupyterlab.settings,
        code_settings=spec.ide.code_server.settings if spec.ide.code_server else None,
        digest=parts.digest,
        decisions=decisions,
        considered=parts.resolved.considered,
        needs=parts.resolved.needs,
        warnings=(*parts.resolved.warnings, *_warnings(parts.tools, facts)),
        blocked=emulation.blocked(facts) or _blocked(parts.torch, facts),
        files=lists.context_files(spec, parts, inputs),
    )


def _known(spec: Spec, reference: str, facts: BuildFacts) -> bases.BaseKnowledge:
    base = bases.know(reference, spec.os, facts.base)
    if base is None:
        raise Misfit(
            key="os" if spec.os else "base",
            what=f"envkit cannot tell which distribution {reference} is",
            fix=f"add `os:` with one of {', '.join(bases.known_distributions())}",
        )
    return base


def _base(known: bases.BaseKnowledge, reference: str, facts: BuildFacts) -> BasePlan:
    return BasePlan(
        reference=reference,
        distribution=known.distribution,
        manager=known.manager or "apt",
        image=bases.name_here(reference, facts),
    )


def _tools(spec: Spec, base: bases.BaseKnowledge, facts: BuildFacts) -> tuple[ToolsPlan, list[Decision]]:
    lab = spec.ide.jupyterlab
    least = compat.table("distributions")["tools_python"]["least"]
    if below(base.system_python, least):
        raise Misfit(
            key="os" if spec.os else "base",
            what=f"JupyterLab {lab.version} needs Python {least} or newer of the distribution, "
            f"and {base.distribution} has {base.system_python}",
            fix=f"use a base of {', '.join(bases.known_distributions())}",
        )
    found: CodeServerPlan | None = None
    decisions = []
    if isinstance(spec.ide.code_server, CodeServer):
        found, decision = code_server.choose(spec.ide.code_server, facts)
        decisions.append(decision)
        if found.extensions:
            decisions.append(code_server.extensions_decision(found, facts))
    hashed = f"jupyterlab=={lab.version} " in compat.lock("tools")
    reason = (
        "every package by its hash" if hashed else "not the version of envkit's lock: packages are unhashed"
    )
    needs, image = managers.needs(base.manager or "apt"), bases.image_of(base.distribution)
    tools = ToolsPlan(
        base=image,
        image=bases.name_here(image, facts),
        system=base.distribution.replace(":", "-"),
        jupyterlab=lab.version,
        hashed=hashed,
        code_server=found,
        packages=tuple(needs["tools"]),
        code_server_packages=tuple(needs["code_server"].get(found.source, ())) if found else (),
    )
    return tools, [Decision(name="jupyterlab", value=lab.version, reason=reason), *decisions]


def _warnings(tools: ToolsPlan, facts: BuildFacts) -> list[str]:
    found = code_server.warnings(tools.code_server, facts) if tools.code_server else []
    if not tools.hashed:
        found.append(
            f"JupyterLab {tools.jupyterlab} is not the version of envkit's lock: its packages carry no hashes"
        )
    return found


def _is_at_hand(torch: TorchPlan | None) -> bool:
    """Tell whether torch comes from a wheel of this machine."""
    return torch is not None and not torch.index and not torch.of_base


def _blocked(torch: TorchPlan | None, facts: BuildFacts) -> str:
    if torch and torch.index and facts.reachable.get("torch") is False:
        return (
            f"torch {torch.version} ({torch.build}) cannot be had here: its index cannot be reached, "
            "and no wheel of it is in the spec's folder or in those of this machine's pip"
        )
    return ""


def _steps(spec: Spec, inputs: Inputs) -> tuple[StepPlan, ...]:
    """Return the user's steps. A file is copied as `COPY` does it; of a folder, what is in it."""
    names = {file.name for file in inputs.files}
    found = []
    for number, step in enumerate(spec.steps, start=1):
        is_file = step.copy_from in names
        to = step.to or ""
        found.append(
            StepPlan(
                number=number,
                what=step.run or step.script or step.copy_from or "",
                at=step.at,
                as_root=step.user == "root",
                copy_to=to if is_file or not to else to.rstrip("/") + "/",
                copy_file=code_server.base_name(step.copy_from or "") if is_file else "",
            )
        )
    return tuple(found)


def own_labels(spec: Spec) -> dict[str, str]:
    """Return the labels that the spec alone decides."""
    return {
        OWNED: "true",
        "io.envkit.kind": "image",
        "io.envkit.name": spec.name,
        "io.envkit.contract": str(CONTRACT),
        "io.envkit.accelerator": spec.accelerator,
    }


def expected(spec: Spec) -> dict[str, object]:
    """Return what the spec alone says of how its image is run."""
    asked = [{"name": one.name, "file": one.file, "optional": one.optional} for one in spec.secrets]
    return {"idle_stop": True, "env": dict(spec.env), **({"secrets": asked} if asked else {})}


def _labels(spec: Spec, facts: BuildFacts, parts: Parts, door: bool) -> tuple[tuple[str, str], ...]:
    code_server_plan = parts.tools.code_server
    expect: dict[str, object] = {
        **expected(spec),
        "python": parts.python.version,
        "python_path": parts.python.program,
        "torch": _expected_torch(parts),
        "services": ["jupyterlab"]
        + (["code-server"] if code_server_plan else [])
        + (["tensorboard"] if spec.services.tensorboard else []),
        "own_door": door,
        "extensions": [
            {"id": extension.name, "optional": extension.optional}
            for extension in (code_server_plan.extensions if code_server_plan else ())
        ],
    }
    if adopted.wraps(facts.kept):
        expect["wrapped"] = True
    ours = {
        **own_labels(spec),
        "io.envkit.plan-digest": parts.digest,
        "io.envkit.expect": json.dumps(expect, sort_keys=True, separators=(",", ":")),
        "io.envkit.needs": needs.to_label(parts.resolved.needs),
        "org.opencontainers.image.title": spec.name,
        "org.opencontainers.image.base.name": parts.base.reference,
    }
    return tuple(sorted({**dict(spec.labels), **ours, **adopted.labels(facts.kept)}.items()))


def _expected_torch(parts: Parts) -> dict[str, str | None] | None:
    if parts.torch is None:
        return None
    chip = {"chip": parts.resolved.chip} if parts.resolved.chip else {}
    return {"version": parts.torch.version, "build": parts.torch.build, "npu": parts.torch.npu, **chip}


def _target_decision(spec: Spec) -> tuple[Decision, ...]:
    target = spec.target
    named = (("chip", target.chip), ("driver", target.driver), ("machine", target.machine))
    words = ", ".join(f"{name} {value}" for name, value in named if value)
    return (Decision(name="target", value=words, reason="the spec names it"),) if words else ()


def _user_decision(spec: Spec) -> Decision:
    return Decision(
        name="user",
        value=f"{spec.user.name} ({spec.user.uid}:{spec.user.gid})",
        reason="owns the user's Python; any other uid can run the image with group 0",
    )


def _builder_decision(facts: BuildFacts) -> Decision:
    if facts.builder == "buildkit":
        return Decision(
            name="builder", value="buildkit", reason="caches are shared, and the network's secrets mounted"
        )
    return Decision(
        name="builder",
        value="classic",
        reason="no docker client here speaks BuildKit: no caches, and one stage after the other",
    )
