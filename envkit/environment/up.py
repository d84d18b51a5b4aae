"""Bring an environment up: plan, create, wait, tell its URLs. Asking again finds what is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from envkit.container.accounts import give_account
from envkit.container.create import create
from envkit.container.leftover import removed_on_failure
from envkit.container.wait import Gone
from envkit.engines.failures import LimitRefused, NameTaken, NotThere, PortTaken
from envkit.engines.values import ContainerFacts
from envkit.environment import (
    asking,
    card_lease,
    cards_inside,
    folders,
    lease,
    machine,
    secrets,
    shadows,
    tree,
)
from envkit.environment.asking import Asked
from envkit.environment.handover import Awaited, collect, hand_over, names_of_machine, still_waits, trust
from envkit.environment.lookup import everything, find, name_of
from envkit.environment.ports import free_ports, listener, taken_there
from envkit.environment.ready import Opened, wait_ready
from envkit.environment.site import Site as Site
from envkit.errors import AcceleratorError, EngineError, EnvkitError, UsageError
from envkit.plan.run_plan import (
    Caller,
    RunHost,
    RunImage,
    RunOptions,
    RunPlan,
    environment_name,
    plan_run,
)
from envkit.plan.run_record import differences, kept_options

# Each try meets another who was faster: a name given and taken again, a port lost between look and start.
_TRIES = 8

_EASIER = {
    PortTaken: "port {port} was taken in between: trying another",
    LimitRefused: "the engine may not lift limits (memlock, stack, nofile): they stay as it has them",
}

Report = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class UpRequest:
    """What is asked for."""

    image: RunImage
    options: RunOptions
    caller: Caller
    timeout_s: float = 120.0  # both IDEs answer within 10 s on an idle machine; a slow disk takes its time
    must_exist: bool = False  # go on with what is there; make nothing new
    ports_lost: tuple[int, ...] = field(default=())
    allow_system_mounts: bool = False
    retention_s: float | None = None  # None: the cache is not cleaned

    @property
    def asked(self) -> Asked:
        """Return who asks for what."""
        return Asked(
            image=self.image,
            options=self.options,
            caller=self.caller,
            allow_system_mounts=self.allow_system_mounts,
        )


def plan_up(site: Site, request: UpRequest) -> RunPlan:
    """Decide what `up` would do; UsageError when an environment of that name is something else."""
    found = find(site.engine, environment_name(request.image, request.options))
    return _plan(site, request, found)


def refuse_early(site: Site, request: UpRequest) -> None:
    """Refuse what no image changes, before one is built: folders, limits, ports, cards, missing secrets.

    Nor does an image change that an environment of that name has other folders or limits.
    """
    found = find(site.engine, environment_name(request.image, request.options))
    secrets.values(_plan(site, request, found).secrets)


def up(site: Site, request: UpRequest, report: Report) -> Opened:
    """Bring it up and wait until both IDEs have answered; on failure nothing that this call made stays."""
    name = environment_name(request.image, request.options)
    for _ in range(_TRIES):
        found = find(site.engine, name)
        if found is None and request.must_exist:
            raise EnvkitError(
                f"environment {name} was removed in the meantime", fix="`envkit up` makes a new one"
            )
        plan = _plan(site, request, found)
        try:
            opened = (
                _go_on(site, request, plan, found, report) if found else _begin(site, request, plan, report)
            )
            shadows.tell(shadows.find(site.host, site.engine, plan), report)
            return replace(opened, authority=trust(site.host, plan.exposure))
        except (NameTaken, NotThere, Gone):
            continue
        except card_lease.CardTaken as error:
            if found and found.state != "created":
                raise _cannot_start(plan.name, error) from error
        except (PortTaken, LimitRefused) as error:
            if isinstance(error, PortTaken) and found and found.state != "created":
                raise
            request = _easier(site, request, plan, error)
            report(_EASIER[type(error)].format(port=plan.port))
    raise EngineError(
        f"environment {name}: others took its name, its port or its cards {_TRIES} times",
        fix="run it again when they are done",
    )


def _easier(site: Site, request: UpRequest, plan: RunPlan, error: EngineError) -> UpRequest:
    """Return the request without what the engine refused; what was asked for itself is never replaced."""
    if isinstance(error, PortTaken):
        if request.options.port is not None:
            raise _port_in_use(site, request.options.port) from error
        return replace(request, ports_lost=(*request.ports_lost, plan.port, plan.own_door_port or 0))
    if not plan.ulimits:
        raise error
    return replace(request, options=replace(request.options, ulimits=()))


def _plan(site: Site, request: UpRequest, found: ContainerFacts | None) -> RunPlan:
    plan = _decide(site, request, found)
    if found:
        _refuse_different(plan, found)
    return plan


def _decide(site: Site, request: UpRequest, found: ContainerFacts | None) -> RunPlan:
    if found is None and request.options.port and listener(site.host, request.options.port):
        raise _port_in_use(site, request.options.port)
    engine = site.engine.facts()
    wishes = asking.resolved(site.host, engine, request.asked)
    options = kept_options(wishes, found.labels if found else {})
    name = environment_name(request.image, options)
    reserved = {port for facts in everything(site.engine) for _, port in facts.ports.values()}
    home = folders.resolve(site.host, site.home, option="--home")
    base = RunHost(
        memory_mib=machine.memory_mib(site.host),
        home=home,
        cache=folders.resolve(site.host, site.cache, option="--cache"),
        # Free here too: `envkit open` then has the same URL.
        free_ports=free_ports(name, {*reserved, *request.ports_lost, *taken_there(site.host)}, count=2),
        names=names_of_machine(site.host, options.exposure),
        home_filesystem=tree.home_filesystem(site.host, options.home or home),
    )
    asked = replace(request.asked, options=options)
    runs = asking.emulates(site.engine, engine.architecture, request.image)
    host = asking.facts(site.host, engine, asked, replace(base, emulates=runs))
    try:
        host = replace(host, seen=asking.seen(site.host, site.engine, engine.cdi, asked, found))
        return plan_run(request.image, options, host, request.caller)
    except AcceleratorError as error:
        raise _cannot_start(name, error) if found else error from error


def _cannot_start(name: str, error: AcceleratorError) -> AcceleratorError:
    """Say what a made environment can do: an engine fixes the cards when it creates a container."""
    return AcceleratorError(
        f"environment {name} cannot start with the cards that it was made with: {error.what}",
        fix=f"stop who has them, or make it anew with others: `envkit commit {name} {name}:kept` keeps what "
        f"was installed, then `envkit rm {name}` and `envkit up {name}:kept --name {name} --device`",
    )


def _refuse_different(plan: RunPlan, found: ContainerFacts) -> None:
    different = differences(plan, found.labels)
    if different:
        lines = "".join(
            f"\n    {one.what}: it has {one.found}, asked for is {one.asked}" for one in different
        )
        raise UsageError(
            f"environment {plan.name} is there already, and it is not what you ask for:{lines}",
            fix=f"another --name, or `envkit rm {plan.name}` first (/work/home stays)",
        )


def _begin(site: Site, request: UpRequest, plan: RunPlan, report: Report) -> Opened:
    files = collect(site.host, _awaited(plan))
    tree.prepare(site.host, plan, request.retention_s, report)
    return _start_new(site, request, _Made(plan=plan, id=create(site.engine, plan), files=files), report)


@dataclass(frozen=True, kw_only=True)
class _Made:
    plan: RunPlan
    id: str
    files: Mapping[str, bytes] | None = field(repr=False)  # secrets


def _start_new(site: Site, request: UpRequest, made: _Made, report: Report) -> Opened:
    plan, container = made.plan, made.id
    with (
        tree.own_cache_goes_on_failure(site.host, plan),
        removed_on_failure(site.engine, container, fix=f"`envkit rm {plan.name}` removes it"),
        card_lease.held(site.engine, _claim(plan), container),
    ):
        site.engine.containers.start(container)
        cards_inside.refuse_fewer(site.engine, plan.device, container)
        hand_over(site.engine, container, made.files, user=plan.caller.user)
        report(f"environment {plan.name} started: waiting for its IDEs")
        for warning in plan.warnings:
            report(f"warning: {warning}")
        return wait_ready(site.engine, site.ask, plan, container, request.timeout_s)


def _claim(plan: RunPlan) -> card_lease.Claim:
    return card_lease.Claim(
        accelerator=plan.device.accelerator,
        keys=plan.device.keys,
        holder=f"environment {plan.name}",
        image_id=plan.image_id,
        share=plan.share,
    )


def _go_on(site: Site, request: UpRequest, plan: RunPlan, found: ContainerFacts, report: Report) -> Opened:
    state = lease.wait_for_others(site.engine, found, request.timeout_s, report)
    tree.prepare(site.host, plan, request.retention_s, report)
    if state == "created":
        files = collect(site.host, _awaited(plan))
        give_account(site.engine, found.id, plan.caller)
        return _start_new(site, request, _Made(plan=plan, id=found.id, files=files), report)
    if state in ("paused", "dead", "restarting"):
        raise EnvkitError(
            f"environment {plan.name} cannot go on: its container is {state}",
            fix=f"`envkit rm {plan.name}` and `envkit up` again (/work/home stays)",
        )
    files = _missing(site, request, plan, found, report)
    if state == "running":
        return _wait(site, request, plan, found.id, files)
    with card_lease.held(site.engine, _claim(plan), found.id):
        _start_again(site, plan, found)
        cards_inside.refuse_fewer(site.engine, plan.device, found.id)
        return _wait(site, request, plan, found.id, files)


def _wait(
    site: Site, request: UpRequest, plan: RunPlan, container: str, files: Mapping[str, bytes] | None
) -> Opened:
    hand_over(site.engine, container, files, user=plan.caller.user)
    return wait_ready(site.engine, site.ask, plan, container, request.timeout_s)


def _start_again(site: Site, plan: RunPlan, found: ContainerFacts) -> None:
    try:
        site.engine.containers.start(found.id)
    except PortTaken as error:
        raise PortTaken(
            f"port {plan.port}, which environment {plan.name} has kept, is in use",
            fix=f"end what listens there (`ss -ltnp` tells), or `envkit rm {plan.name}` for a new port",
        ) from error


def _port_in_use(site: Site, port: int) -> PortTaken:
    ours = [
        name_of(facts) for facts in everything(site.engine) if facts.labels.get("io.envkit.port") == str(port)
    ]
    program = listener(site.host, port)
    who = f" by environment {ours[0]}" if ours else f" by {program}" if program else ""
    more = "" if who else "; `sudo ss -ltnp` tells who has it"
    return PortTaken(f"port {port} is in use{who}", fix=f"leave --port out and a free one is taken{more}")


def _awaited(plan: RunPlan) -> Awaited:
    return Awaited(secrets=plan.secrets, exposure=plan.exposure)


def _missing(
    site: Site, request: UpRequest, plan: RunPlan, found: ContainerFacts, report: Report
) -> dict[str, bytes] | None:
    """Collect what it waits for; one that runs keeps what it started with."""
    if found.state != "running" or still_waits(site.engine, found):
        return collect(site.host, _awaited(plan))
    if request.options.secrets:
        report(
            f"environment {plan.name} keeps the secrets it was started with: `envkit restart` brings new ones"
        )
    return None
