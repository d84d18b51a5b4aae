"""A job plan as a person reads it: every decision with its reason."""

from __future__ import annotations

from envkit.plan.durations import about
from envkit.plan.run_decisions import RunDecision, memory, wiring
from envkit.run.folder import Request
from envkit.run.plan import InEnvironment, JobPlan, OwnContainer
from envkit.run.sync import Project


def decisions(plan: JobPlan) -> tuple[RunDecision, ...]:
    """Return the plan as lines, each with its reason."""
    node = plan.nodes[0]
    place, asked = node.place, node.request
    rows = [
        ("run", plan.name, f"attempt {asked.attempt}"),
        ("folder", str(plan.folder.path), f"{asked.folder} in the run"),
        *(_environment(place) if isinstance(place, InEnvironment) else _container(place)),
        *(_copied(plan.project, asked) if plan.project else ()),
        ("what", f"{asked.kind} {asked.target}", " ".join(asked.args)),
        ("works in", asked.directory, ""),
        (
            "processes",
            str(asked.nproc),
            "one Python" if asked.nproc == 1 else "torchrun, with its own rendezvous",
        ),
        *(("env", f"{key}={value}", "") for key, value in asked.env.items()),
        ("log limit", *_log_limit(asked.log_limit)),
        ("stop grace", f"{asked.grace_s:g} s", "to save, when it is asked to stop"),
        ("timeout", "never" if asked.timeout_s is None else f"after {about(asked.timeout_s)}", ""),
        ("retries", str(asked.retries), ", ".join(asked.retry_on)),
        ("redirect", *_redirect(asked)),
        *(("warning", "", text) for text in plan.notes),
    ]
    return tuple(RunDecision(what=what, value=value, why=why) for what, value, why in rows)


def _copied(project: Project, asked: Request) -> list[tuple[str, str, str]]:
    return [("copied", project.root, f"{project.words}, as .gitignore has it; to {asked.folder}/code")]


def _environment(place: InEnvironment) -> list[tuple[str, str, str]]:
    return [
        ("environment", place.name, "when it ends, the run is lost"),
        ("image", place.image, place.image_id),
        ("user", place.user, ""),
        ("device", place.device, "the environment's"),
        *(
            (one.target, one.source, "the environment's")
            for one in place.mounts
            if one.target.startswith("/work/")
        ),
    ]


def _container(place: OwnContainer) -> list[tuple[str, str, str]]:
    return [
        ("container", place.name, "its own; removed when its evidence is whole"),
        ("image", place.image, place.image_id),
        ("user", place.caller.user, f"{place.caller.name}: what it writes is yours"),
        *((one.target, one.source, "read-only" if one.read_only else "") for one in place.mounts),
        *(("secret", one.name, "a variable, from your file or variable; in memory") for one in place.secrets),
        ("device", str(place.device), wiring(place.device)),
        ("cpus", "all" if place.cpus is None else f"{place.cpus:g}", "" if place.cpus is None else "a limit"),
        ("memory", *memory(place.memory_mib)),
        ("/dev/shm", f"{place.shm_mib} MiB", "for data loaders: a limit, nothing is reserved"),
        (
            "restart",
            place.restart,
            "after the machine or the engine was lost" if place.restart != "no" else "",
        ),
    ]


def _redirect(asked: Request) -> tuple[str, str]:
    if asked.redirect:
        return f"{asked.folder}/model", "for SummaryWriter() and others that are given no folder"
    return "none", ""


def _log_limit(limit: int | None) -> tuple[str, str]:
    if limit is None:
        return "none", "whatever it prints is kept"
    return f"{limit >> 20} MiB", "of each process: the first quarter, and at least the last half"
