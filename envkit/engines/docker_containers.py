"""The engine's containers, through the Docker SDK."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

import docker
from docker import types
from docker.errors import APIError, NotFound

from envkit.engines.docker_errors import spoken_as_ours
from envkit.engines.failures import NotThere
from envkit.engines.values import (
    OWNED,
    OWNED_CONTAINER,
    Change,
    ContainerFacts,
    DeviceRequest,
    Mount,
    RunRequest,
)
from envkit.errors import EngineError

# Logs rotate, so that a chatty service cannot fill the disk (reliability.md, section 4, row 4).
_LOGS = {"type": "json-file", "config": {"max-size": "50m", "max-file": "3"}}

# Podman's own words for states, in Docker's.
_STATES = {"stopped": "exited", "stopping": "running", "configured": "created", "initialized": "created"}
_NEVER = "0001-01-01"  # the engine's zero time
# The engine's numbers: archive.ChangeModify, ChangeAdd, ChangeDelete of moby.
_KINDS: dict[int, Literal["changed", "added", "deleted"]] = {0: "changed", 1: "added", 2: "deleted"}
_TMPFS = "rw,nosuid,nodev,noexec"


class DockerContainers:
    """Containers behind the Docker API."""

    def __init__(self, client: docker.DockerClient) -> None:
        self._api: Any = client.api  # its types leave out what the SDK itself builds on

    def create(self, request: RunRequest) -> str:
        """Create (not start) a container labelled as ours; return its id. NameTaken when the name is."""
        with spoken_as_ours(f"creating a container of {request.image}"):
            made = self._api.create_container(
                request.image,
                command=None if request.command is None else list(request.command),
                entrypoint=None if request.entrypoint is None else list(request.entrypoint),
                user=request.user,
                environment=dict(request.env),
                labels={**request.labels, OWNED: "true", OWNED_CONTAINER: "true"},
                ports=[port.container_port for port in request.ports],
                name=request.name,
                healthcheck=None if request.health else {"test": ["NONE"]},
                host_config=self._host_config(request),
            )
        self._refuse_discarded(made)
        return str(made["Id"])

    def start(self, container: str) -> None:
        """Start; one that runs already is fine. A port that is taken is PortTaken."""
        with spoken_as_ours("starting the container"):
            self._api.start(container)

    def find(self, labels: Mapping[str, str]) -> tuple[ContainerFacts, ...]:
        """Return all containers, running or not, that carry these labels (value "" matches any value)."""
        wanted = [f"{name}={value}" if value else name for name, value in labels.items()]
        with spoken_as_ours("listing containers"):
            rows = self._api.containers(all=True, filters={"label": wanted})
        found = (self.inspect(row["Id"]) for row in rows)
        return tuple(facts for facts in found if facts is not None)

    def inspect(self, container: str) -> ContainerFacts | None:
        """Return the container of that name or id, or None."""
        with spoken_as_ours(f"looking at the container {container}"):
            try:
                return _facts(self._api.inspect_container(container))
            except NotFound:
                return None

    def stop(self, container: str, grace_s: float) -> None:
        """Ask it to end, end it after `grace_s`; one that is gone or stopped is fine."""
        with spoken_as_ours(f"stopping the container {container}"):
            try:
                self._api.stop(container, timeout=math.ceil(grace_s))
            except NotFound:
                return

    def remove(self, container: str) -> None:
        """Remove a container of ours (killing it); one that is gone is fine, one not ours is refused."""
        self._remove(container, force=True)

    def remove_idle(self, container: str) -> None:
        """Do the same, but an EngineError when it runs: the engine decides, no moment lies between."""
        self._remove(container, force=False)

    def _remove(self, container: str, *, force: bool) -> None:
        facts = self.inspect(container)
        if facts is None:
            return
        if facts.labels.get(OWNED_CONTAINER) != "true":
            raise EngineError(
                f"the container {facts.name} is not envkit's: it is left alone", fix=f"docker rm {facts.name}"
            )
        with spoken_as_ours(f"removing the container {facts.name}"):
            try:
                self._api.remove_container(facts.id, force=force, v=True)
            except NotFound:
                return
            except APIError as error:
                if "is already in progress" not in str(error.explanation):
                    raise

    def written_bytes(self, container: str) -> int:
        """Return the size of its writable layer: what would be lost with it; 0 when it is gone."""
        # The SDK's inspect_container cannot ask for sizes; its list would measure every container.
        url = self._api._url("/containers/{0}/json", container)
        with spoken_as_ours(f"measuring the container {container}"):
            try:
                about = self._api._result(self._api._get(url, params={"size": 1}), json=True)
            except NotFound:
                return 0
        return int(about.get("SizeRw") or 0)

    def config(self, container: str) -> Mapping[str, Any]:
        """Return the container's own config, as the engine holds it."""
        with spoken_as_ours(f"looking at the container {container}"):
            config: dict[str, Any] = self._api.inspect_container(container)["Config"]
        return config

    def changes(self, container: str) -> tuple[Change, ...]:
        """Return each path that is not as in its image, mounts left out, folders before what is in them."""
        url = self._api._url("/containers/{0}/changes", container)
        with spoken_as_ours(f"comparing the container {container} with its image"):
            # Not by the SDK's own method: 100,000 files on a slow disk take longer than its time-out.
            rows = self._api._result(self._api._get(url, timeout=None), json=True)
        return tuple(Change(row["Path"], _KINDS[row["Kind"]]) for row in rows or ())

    def pause(self, container: str) -> None:
        """Freeze all its processes; one that is paused already is fine, one that does not run is an error."""
        self._unless_said("is already paused", "pausing", self._api.pause, container)

    def unpause(self, container: str) -> None:
        """Let them go on; one that is not paused, or gone, is fine."""
        try:
            self._unless_said("is not paused", "unpausing", self._api.unpause, container)
        except NotThere:
            return

    def _unless_said(self, fine: str, doing: str, action: Callable[[str], None], container: str) -> None:
        with spoken_as_ours(f"{doing} the container {container}"):
            try:
                action(container)
            except APIError as error:
                if fine not in str(error.explanation):
                    raise

    def _refuse_discarded(self, made: Mapping[str, Any]) -> None:
        """Never less than asked: a limit that the engine's kernel cannot hold is an error, not a warning."""
        lost = [text for text in made.get("Warnings") or () if "discarded" in text.lower()]
        if lost:
            self.remove(str(made["Id"]))
            raise EngineError(
                f"the engine cannot hold a limit: {'; '.join(lost)}",
                fix="leave that limit out, or switch the kernel's cgroup controller on",
            )

    def _host_config(self, request: RunRequest) -> dict[str, Any]:
        options: dict[str, Any] = {
            "mounts": [_mount(mount) for mount in request.mounts],
            "tmpfs": {
                t.target: f"{_TMPFS},mode={t.mode:04o},uid={t.uid},gid={t.gid},size={t.size_mib}m"
                for t in request.tmpfs
            },
            "port_bindings": {p.container_port: (p.address, p.host_port or None) for p in request.ports},
            "group_add": list(request.groups),
            "shm_size": request.shm_mib << 20,
            "init": request.init,
            "restart_policy": {"Name": request.restart},
            "network_mode": request.network or "default",
            "log_config": _LOGS,
            **_resources(request),
        }
        config: dict[str, Any] = self._api.create_host_config(**options)
        return config


def _resources(request: RunRequest) -> dict[str, Any]:
    """Return the limits and the devices; memory without swap on top: what is asked for is the limit."""
    memory = None if request.memory_mib is None else request.memory_mib << 20
    return {
        "nano_cpus": None if request.cpus is None else round(request.cpus * 1e9),
        "mem_limit": memory,
        "memswap_limit": memory,
        "ulimits": [types.Ulimit(name=one.name, soft=one.soft, hard=one.hard) for one in request.limits],
        "devices": [f"{node}:{node}:rwm" for node in request.devices],
        "device_requests": [_asked_devices(request.device_request)] if request.device_request else None,
    }


def _asked_devices(asked: DeviceRequest) -> Any:
    if asked.driver:
        return types.DeviceRequest(driver=asked.driver, device_ids=list(asked.ids))
    every = asked.ids == ("all",)
    which: dict[str, Any] = {"count": -1} if every else {"device_ids": list(asked.ids)}
    return types.DeviceRequest(capabilities=[["gpu"]], **which)


def _mount(mount: Mount) -> Any:
    """Return it as the engine's own kind of mount: of a folder that is not there it makes no empty one."""
    kind: Literal["bind", "volume"] = "bind" if mount.source.startswith("/") else "volume"
    return types.Mount(mount.target, mount.source, type=kind, read_only=mount.read_only)


def _facts(about: dict[str, Any]) -> ContainerFacts:
    state, config = about["State"], about["Config"]
    status = _STATES.get(state["Status"], state["Status"])
    ended = status in ("exited", "dead", "restarting")
    return ContainerFacts(
        id=about["Id"],
        name=about["Name"].removeprefix("/"),
        image=about["Image"],
        state=status,
        exit_code=int(state["ExitCode"]) if ended else None,
        labels=config.get("Labels") or {},
        ports=_ports(about),
        mounts=tuple(
            Mount(
                source=m.get("Name") or m.get("Source", ""),
                target=m["Destination"],
                read_only=not m.get("RW", True),
            )
            for m in about.get("Mounts") or ()
        ),
        created=about["Created"],
        user=config.get("User") or "",
        started="" if state.get("StartedAt", _NEVER).startswith(_NEVER) else state["StartedAt"],
        oom_killed=bool(state.get("OOMKilled")),
        error=str(state.get("Error") or ""),
        restarts=int(about.get("RestartCount") or 0),
    )


def _ports(about: dict[str, Any]) -> dict[int, tuple[str, int]]:
    """Return the published ports: as they are while it runs, as they were asked for otherwise."""
    live = (about.get("NetworkSettings") or {}).get("Ports") or {}
    asked = (about.get("HostConfig") or {}).get("PortBindings") or {}
    found = {}
    for name, bindings in {**asked, **live}.items():
        for binding in bindings or ():
            if binding.get("HostPort") not in (None, "", "0"):
                found[int(name.partition("/")[0])] = (
                    binding.get("HostIp") or "0.0.0.0",
                    int(binding["HostPort"]),
                )
    return found
