"""Start a run: in a container of its own or in an environment. What fails to start leaves nothing behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace

from envkit.container import bundle, wired
from envkit.container.accounts import account_files
from envkit.container.deliver import deliver
from envkit.container.leftover import removed_on_failure
from envkit.container.made import make
from envkit.container.maker import condition, maker_of
from envkit.engines.failures import LimitRefused, NameTaken
from envkit.engines.values import ContainerFacts, ExecRequest, ExecResult, RunRequest, Tmpfs
from envkit.environment import cache, card_lease, cards_inside, folders
from envkit.environment.secrets import values
from envkit.environment.site import Site
from envkit.errors import EngineError, HostError, RunError, UsageError
from envkit.hosts.base import Command
from envkit.plan.run_plan import CACHE, HOME, SECRETS
from envkit.run.going import Going, is_active
from envkit.run.listing import FOLDER, KIND, NAME
from envkit.run.plan import InEnvironment, JobPlan, NodePlan, OwnContainer
from envkit.run.sync import send

Report = Callable[[str], None]

_MAIN_PROGRAMS = "run_*"
_PROGRAMS = (_MAIN_PROGRAMS, "shim_*")  # what is loaded before a script is written as text
_MAIN = "run_main"
# The supervisor needs nothing that is installed there, and must not wait for what loads itself with it.
_ALONE = ("-I", "-S")
# The programs with the request. To put a file into a container that does not run takes the engine 0.05 s;
# in the run's folder it comes with the folder. The supervisor removes it (probes/run_main.py).
_BEGIN = "begin.json"
_WITH_SECRETS = "/opt/envkit/bin/with-secrets"
# Secrets come by exec, when it runs: until then it waits, and what it becomes has them as variables.
_WAIT = f"""
until [ -e {SECRETS}/.delivered ]; do sleep 0.05; done
for name in $ENVKIT_SECRET_NAMES; do
    [ ! -f "{SECRETS}/$name" ] || export "$name=$(cat "{SECRETS}/$name")"
done
exec "$@"
"""
# The folder of the folders may be there; the run's own may not, unless it is empty: then nobody began in it.
_MAKE = (
    f'[ -e "$1"/attempts ] || rm -f -- "$1"/{_BEGIN}; '
    'mkdir -p -- "$(dirname -- "$1")" && { rmdir -- "$1" 2>/dev/null; mkdir -- "$1"; }'
)
_GIVE = f'cat >"$1"/{_BEGIN}'
_REMOVE = (
    f'rm -f -- "$1"/{_BEGIN} "$1"/attempts/*/request.json; '
    'rmdir -- "$1"/attempts/* "$1"/attempts "$1" 2>/dev/null; true'
)
_EXISTS = "File exists"
_NOT_THERE = (126, 127)  # a shell's and runc's codes of a program that cannot be started, or is not there
_SHOWN_S = 1.0  # for a container that another envkit makes at this moment
_BEGIN_S = 60.0  # for the supervisor to start in an environment


def start(site: Site, plan: JobPlan, report: Report) -> Going:
    """Start it; return how it is followed. UsageError when a run of that name is there already."""
    node = plan.nodes[0]
    if isinstance(node.place, InEnvironment):
        return _in_environment(site, plan, node, report)
    return _in_container(site, plan, node, report)


def _in_environment(site: Site, plan: JobPlan, node: NodePlan, report: Report) -> Going:
    place = node.place
    assert isinstance(place, InEnvironment)  # as was just asked
    going = Going(
        name=plan.name,
        folder=plan.folder,
        container=place.container,
        environment=place.name,
        nproc=node.request.nproc,
        retries=node.request.retries,
        first=node.request.attempt,
    )
    words = (*place.python, *_ALONE, *bundle.program(bundle.sources("boot")))
    request = ExecRequest(
        command=(_WITH_SECRETS, *words) if place.has_secrets else words,
        user=place.user or None,
        stdin=_packed(node),
        timeout_s=_BEGIN_S,
    )
    with _folder(site, plan, node, b""):
        _send(site, plan, report)
        done = site.engine.inside.execute(place.container, request)
        if done.code != 0:
            raise _not_begun(place, done)
    return going


def _not_begun(place: InEnvironment, done: ExecResult) -> RunError:
    said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
    if done.code in _NOT_THERE and f'"{place.python[0]}"' in said:
        return RunError(
            f"environment {place.name} has no program {place.python[0]}",
            fix=f"--python PATH; `envkit exec {place.name} -- which -a python3` shows which it has",
        )
    return RunError(
        f"the run could not be started in environment {place.name}: {said[-500:]}",
        fix=f"`envkit logs {place.name}` and `envkit verify` tell more of the environment",
    )


def _in_container(site: Site, plan: JobPlan, node: NodePlan, report: Report) -> Going:
    place = node.place
    assert isinstance(place, OwnContainer)  # the only other one
    for mount in place.mounts:
        if mount.target in (HOME, CACHE):
            made = folders.prepare(site.host, mount.source, place.caller)
            if made and mount.target == CACHE:
                # The look marks a new one as a cache: without that, nothing in it may ever go.
                cache.tidy(site.host, mount.source, float("inf"), report)
    secrets = values(place.secrets)
    container = _create(site, plan, place, report)
    with removed_on_failure(site.engine, container, fix="`envkit gc` removes it"):
        begin = _packed(node, _account(site, place, container))
        gone = removed_on_failure(site.engine, container, fix="`envkit gc`")
        # The container goes before the folder: nothing may write there any more.
        with _folder(site, plan, node, begin), gone:
            _send(site, plan, report)
            with card_lease.held(site.engine, _claim(plan, place), container):
                site.engine.containers.start(container)
                if place.secrets:
                    deliver(site.engine, container, secrets, user=place.caller.user)
                cards_inside.refuse_fewer(site.engine, place.device, container)
    return Going(
        name=plan.name,
        folder=plan.folder,
        container=container,
        nproc=node.request.nproc * (node.request.node.count if node.request.node else 1),
        retries=node.request.retries,
        first=node.request.attempt,
        survives=place.restart != "no",
    )


def _send(site: Site, plan: JobPlan, report: Report) -> None:
    if plan.project is None:
        return
    for name in plan.project.left_out:
        report(f"{name} is left out: a link out of the project, or no file")
    report(f"copying {plan.project.root}: {plan.project.words}")
    send(site.host, plan.project, plan.folder)


def _account(site: Site, place: OwnContainer, container: str) -> dict[str, str]:
    """Make the run user known; return the files that root's own supervisor can write."""
    files = account_files(site.engine, container, place.caller, image_id=place.image_id)
    if place.caller.uid == 0:
        return {path: text.decode() for path, text in files.items()}
    if files:
        site.engine.inside.put(container, files)
    return {}


def _packed(node: NodePlan, account: Mapping[str, str] | None = None) -> bytes:
    """Return the programs, with the request."""
    asked = {**asdict(node.request), **({"account": account} if account else {})}
    return bundle.pack_compiled(bundle.sources(*_PROGRAMS), _MAIN_PROGRAMS, _MAIN, asked)


def _create(site: Site, plan: JobPlan, place: OwnContainer, report: Report) -> str:
    """Create the container, whose name is the lease on the run's; what a killed envkit left is removed."""
    asked = container_request(plan, place)
    try:
        return make(site.engine, asked)
    except LimitRefused:
        report("the engine may not lift limits (memlock, stack, nofile): they stay as it has them")
        return make(site.engine, replace(asked, limits=()))
    except NameTaken:
        found = _holder(site, place.name)
    if found is None:
        return make(site.engine, asked)
    if any(found.labels.get(key) != value for key, value in KIND.items()):
        raise EngineError(
            f"the container {place.name} is no run, and has the name that {plan.name} needs",
            fix="another --name, or rename that container",
        )
    maker = maker_of(found.labels)
    if found.state == "created" and condition(maker) != "gone":
        raise UsageError(
            f"run {plan.name} is being started by {maker}", fix="another --name, or wait for that"
        )
    if found.state != "created" and (is_active(found) or plan.nodes[0].request.attempt == 1):
        raise exists(plan.name, runs=is_active(found))
    report(f"the container of the attempt before ({found.name}) is removed")
    card_lease.release(site.engine, found.id)
    site.engine.containers.remove_idle(found.id)
    return make(site.engine, asked)


def _holder(site: Site, name: str) -> ContainerFacts | None:
    """Return the container that has a name; the engine gives one away some moments before it shows it."""
    deadline = time.monotonic() + _SHOWN_S
    while (found := site.engine.containers.inspect(name)) is None and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def container_request(plan: JobPlan, place: OwnContainer) -> RunRequest:
    """Translate a plan into the engine's words."""
    claim, node, inside = _claim(plan, place), plan.nodes[0].request.node, plan.nodes[0].request.folder
    names = " ".join(secret.name for secret in place.secrets)
    memory = Tmpfs(target=SECRETS, mode=0o700, uid=place.caller.uid, gid=place.caller.gid)
    return RunRequest(
        image=place.image_id,
        name=place.name,
        entrypoint=("sh", "-c", _WAIT, "sh") if place.secrets else place.python,
        command=(*(place.python if place.secrets else ()), *_ALONE, *bundle.program_in(f"{inside}/{_BEGIN}")),
        user=place.caller.user,
        groups=place.groups,
        env={"HOME": HOME, **({"ENVKIT_SECRET_NAMES": names} if names else {})},
        labels={**KIND, NAME: plan.name, FOLDER: str(plan.folder.path), **claim.labels},
        mounts=(*place.mounts, *wired.libraries(place.device)),
        tmpfs=(memory,) if names or node else (),
        network="host" if node else None,  # torch's own ports are any, and must be reached
        health=False,  # an image's own asks for its IDEs
        shm_mib=place.shm_mib,
        restart=place.restart,
        cpus=place.cpus,
        memory_mib=place.memory_mib,
        limits=wired.limits(place.ulimits),
        devices=place.device.nodes,
        device_request=wired.device_request(place.device),
    )


def _claim(plan: JobPlan, place: OwnContainer) -> card_lease.Claim:
    return card_lease.Claim(
        accelerator=place.device.accelerator,
        keys=place.device.keys,
        holder=f"run {plan.name}",
        image_id=place.image_id,
        share=place.share,
    )


@contextmanager
def _folder(site: Site, plan: JobPlan, node: NodePlan, begin: bytes) -> Iterator[None]:
    """Make the run's folder, which nobody else can have made; it goes again when nothing ran in it.

    `begin`: what its container begins with.
    """
    path, is_new = str(plan.folder.path), node.request.attempt == 1
    script = " && ".join([_MAKE] * is_new + [_GIVE] * bool(begin))
    done = site.host.run(Command(words=("sh", "-c", script, "sh", path), stdin=begin, env={"LC_ALL": "C"}))
    if done.code != 0:
        if _EXISTS in done.stderr:
            raise exists(plan.name, runs=False)
        if is_new:  # of one that went on before, what its attempts left is not ours to remove
            site.host.run(Command(words=("sh", "-c", _REMOVE, "sh", path)))
        raise HostError(
            f"{path} cannot be made: {done.stderr.strip()}", fix="look at that folder's disk and rights"
        )
    try:
        yield
    except BaseException:
        if is_new:
            site.host.run(Command(words=("sh", "-c", _REMOVE, "sh", path)))
        raise


def exists(name: str, *, runs: bool) -> UsageError:
    """Return the error of a name that a run has."""
    if runs:
        return UsageError(
            f"run {name} runs already", fix=f"`envkit attach {name}` follows it, `envkit stop {name}` ends it"
        )
    return UsageError(
        f"there is a run {name} already", fix="--resume goes on with it, another --name makes another"
    )
