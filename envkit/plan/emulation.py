"""What is said of an image that is made for other machines than the engine's."""

from __future__ import annotations

from envkit.errors import HostError
from envkit.plan.build_plan import Decision
from envkit.plan.facts import BuildFacts

FIX = (
    "let the engine's machine emulate {machine}: `apt-get install qemu-user-static` there (Debian, Ubuntu), "
    "or `docker run --privileged --rm tonistiigi/binfmt --install {machine}`; or do it on such a machine: "
    "`--host NAME`"
)


def cannot(what: str, architecture: str, machine: str) -> str:
    """Say that it cannot be."""
    return f"{what} is made for {architecture}: the engine's machine is {machine}, and does not emulate it"


def slow(what: str, architecture: str, machine: str) -> str:
    """Say that it can, and what it costs."""
    return f"{what} is made for {architecture} and emulated on {machine}: many times slower"


def warned(what: str, architecture: str, machine: str, *, can: bool) -> tuple[str, ...]:
    """Return what is to be said before it runs; HostError when it would not run."""
    if "" in (architecture, machine) or architecture == machine:
        return ()
    if not can:
        raise HostError(cannot(what, architecture, machine), fix=FIX.format(machine=architecture))
    return (slow(what, architecture, machine),)


def decision(facts: BuildFacts) -> tuple[Decision, ...]:
    """Say in a plan that its steps are emulated."""
    if not (facts.is_foreign and facts.emulates):
        return ()
    reason = f"the engine's machine is {facts.engine_makes}: many times slower than on such a machine"
    return (Decision(name="machine", value=f"{facts.architecture}, emulated", reason=reason),)


def blocked(facts: BuildFacts) -> str:
    """Say why a build for that machine cannot be; "" when it can."""
    if not facts.is_foreign or facts.emulates:
        return ""
    fix = FIX.format(machine=facts.architecture)
    return f"{cannot('the image', facts.architecture, facts.engine_makes)}; {fix}"
