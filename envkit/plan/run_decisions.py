"""A run plan as a person reads it: every decision with its reason."""

from __future__ import annotations

from dataclasses import dataclass

from envkit.accelerators.base import Wiring
from envkit.plan.durations import about
from envkit.plan.mounts import FolderMount
from envkit.plan.run_plan import CACHE, HOME, LOOPBACK, SECRETS, RunPlan, base_url, container_name
from envkit.plan.secret_plan import SecretPlan


@dataclass(frozen=True, kw_only=True)
class RunDecision:
    """One line of a plan as a person reads it."""

    what: str
    value: str
    why: str


def decisions(plan: RunPlan) -> tuple[RunDecision, ...]:
    """Return the plan as lines, each with its reason."""
    address = plan.exposure.address if plan.exposure else LOOPBACK
    rows = [
        ("environment", plan.name, f"container {container_name(plan.name)}"),
        ("image", plan.image, plan.image_id),
        ("user", plan.caller.user, f"{plan.caller.name}: files in {HOME} are yours"),
        ("groups", ", ".join(plan.groups), "the image's own files are group 0's"),
        (HOME, plan.home, _home(plan)),
        (CACHE, plan.cache, _cache(plan)),
        *((mount.target, mount.source, _mode(mount)) for mount in plan.mounts),
        (SECRETS, "tmpfs, 0700", "tokens live in memory, new at every start"),
        *(("secret", secret.name, _source(secret)) for secret in plan.secrets),
        ("port", f"{address}:{plan.port}", f"the one door, at {base_url(plan.name)}; kept over restarts"),
    ]
    if plan.own_door_port is not None:
        rows.append(
            ("own door", f"{address}:{plan.own_door_port}", "code-server's own, with its own password")
        )
    if plan.exposure is not None:
        signer = plan.exposure.certificate or "envkit's own authority, which browsers must be told to trust"
        rows.append(("TLS", plan.public_name, f"the certificate is from {signer}"))
    rows += [
        ("device", str(plan.device), wiring(plan.device)),
        ("cpus", "all" if plan.cpus is None else f"{plan.cpus:g}", "" if plan.cpus is None else "a limit"),
        ("memory", *memory(plan.memory_mib)),
        ("/dev/shm", f"{plan.shm_mib} MiB", "for data loaders: a limit, nothing is reserved"),
        ("ulimits", " ".join(map(str, plan.ulimits)) or "the engine's own", _ulimits(plan)),
        ("restart", plan.restart, "comes back with the engine, until `envkit stop`"),
        ("idle stop", *_idle_stop(plan)),
        ("stop grace", f"{plan.stop_grace_s:g} s", "supervisord gives each service 8 s"),
        *(("env", f"{key}={value}", "") for key, value in plan.env.items()),
        *(("warning", "", warning) for warning in plan.warnings),
    ]
    return tuple(RunDecision(what=what, value=value, why=why) for what, value, why in rows)


def _mode(mount: FolderMount) -> str:
    return "read-only" if mount.read_only else "writable: what is changed there is changed on the host"


def wiring(device: Wiring) -> str:
    """Return how cards get into a container."""
    if device.request:
        return f"by the engine: {', '.join(device.request.ids)}" + (" (CDI)" if device.request.driver else "")
    parts = [", ".join(device.nodes)] if device.nodes else ["no card"]
    parts += [f"the host has no {path}" for path in device.lacking]
    return "; ".join(parts)


def memory(limit_mib: int | None) -> tuple[str, str]:
    """Return a limit of memory, and what it means."""
    if limit_mib is None:
        return "all", ""
    return f"{limit_mib} MiB", "a limit, swap included: who needs more is ended by the kernel"


def _idle_stop(plan: RunPlan) -> tuple[str, str]:
    if plan.idle_stop_s is None:
        return "never", "`--idle-stop 2h` stops it when nobody uses it"
    return (
        f"after {about(plan.idle_stop_s)}",
        "without a connection, a busy kernel, a program or a card in use",
    )


def _ulimits(plan: RunPlan) -> str:
    if plan.ulimits:
        return "pinned memory, deep graphs, many loader workers"
    return "this engine may not lift them: it is rootless, or in a container"


def _source(secret: SecretPlan) -> str:
    where = secret.env_file or secret.file or f"your variable {secret.name}"
    return f"from {where}, at each start{'; may be absent' if secret.optional else ''}"


def _cache(plan: RunPlan) -> str:
    return "scratch: removed with the environment" if plan.own_cache else "scratch: what is not used goes"


def _home(plan: RunPlan) -> str:
    kept = "kept: survives stop, remove and rebuild"
    return (
        f"{kept}; on {plan.home_filesystem}, so databases lie in the container"
        if plan.home_filesystem
        else kept
    )
