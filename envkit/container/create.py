"""Make a container from a run plan."""

from __future__ import annotations

from envkit.container import wired
from envkit.container.accounts import give_account
from envkit.container.leftover import removed_on_failure
from envkit.container.made import make
from envkit.engines.base import Engine
from envkit.engines.values import Mount, Port, RunRequest, Tmpfs
from envkit.plan.run_plan import CACHE, DOOR, HOME, LOOPBACK, OWN_DOOR, SECRETS, RunPlan, container_name
from envkit.plan.run_record import labels


def request(plan: RunPlan) -> RunRequest:
    """Translate a plan into the engine's words."""
    address = plan.exposure.address if plan.exposure else LOOPBACK
    ports = [Port(container_port=DOOR, host_port=plan.port, address=address)]
    if plan.own_door_port is not None:
        ports.append(Port(container_port=OWN_DOOR, host_port=plan.own_door_port, address=address))
    return RunRequest(
        image=plan.image_id,
        name=container_name(plan.name),
        user=plan.caller.user,
        groups=plan.groups,
        env={**plan.env, **_awaited(plan), **_watched(plan), **_local(plan)},
        labels=labels(plan),
        mounts=_mounts(plan),
        tmpfs=(Tmpfs(target=SECRETS, mode=0o700, uid=plan.caller.uid, gid=plan.caller.gid),),
        ports=tuple(ports),
        shm_mib=plan.shm_mib,
        restart=plan.restart,
        cpus=plan.cpus,
        memory_mib=plan.memory_mib,
        limits=wired.limits(plan.ulimits),
        devices=plan.device.nodes,
        device_request=wired.device_request(plan.device),
    )


def _mounts(plan: RunPlan) -> tuple[Mount, ...]:
    return (
        Mount(source=plan.home, target=HOME),
        Mount(source=plan.cache, target=CACHE),
        *(Mount(source=one.source, target=one.target, read_only=one.read_only) for one in plan.mounts),
        *wired.libraries(plan.device),
    )


def _local(plan: RunPlan) -> dict[str, str]:
    """Return what tells the image to keep databases off the home."""
    if not plan.home_filesystem:
        return {}
    return {
        "ENVKIT_HOME_FILESYSTEM": plan.home_filesystem,
        # In memory, where the image's own Jupyter has it: kernels' keys lie there.
        "JUPYTER_RUNTIME_DIR": f"{SECRETS}/jupyter",
    }


def _awaited(plan: RunPlan) -> dict[str, str]:
    """Return what tells the entrypoint to wait; of an image of an older envkit nothing is asked."""
    names = " ".join(secret.name for secret in plan.secrets)
    return {
        **({"ENVKIT_SECRET_NAMES": names} if names else {}),
        **({"ENVKIT_TLS": "1"} if plan.exposure else {}),
    }


def _watched(plan: RunPlan) -> dict[str, str]:
    """Return what tells the image's supervisor to watch whether anybody uses it."""
    return {} if plan.idle_stop_s is None else {"ENVKIT_IDLE_STOP_S": f"{plan.idle_stop_s:g}"}


def create(engine: Engine, plan: RunPlan) -> str:
    """Create (not start) the plan's container; on failure nothing of it stays. A taken name is NameTaken."""
    container = make(engine, request(plan))
    with removed_on_failure(engine, container, fix=f"`envkit rm {plan.name}` removes it"):
        give_account(engine, container, plan.caller, image_id=plan.image_id)
    return container
