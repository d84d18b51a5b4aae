"""NVIDIA cards of a machine: their driver, their nodes, and whether containers can have them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from envkit.accelerators.cards import Card
from envkit.compat.failures import likely
from envkit.doctor.finding import Check, Finding
from envkit.doctor.seen import Node, Seen
from envkit.engines.values import EngineFacts

_NVIDIA = Check(name="NVIDIA", domain="accelerator")


def nvidia_driver(seen: Seen) -> str:
    """Return the driver's version, "" when none is loaded."""
    found = re.search(r"\b\d{3}\.\d+(?:\.\d+)?\b", seen.nvidia_version)
    return found[0] if found else ""


def judge_nvidia(seen: Seen, facts: EngineFacts | None, cards: tuple[Card, ...]) -> tuple[Finding, ...]:
    """Return a line for each problem, or one that says what is there; nothing without a card."""
    nodes = seen.numbered("/dev/nvidia")
    if not nodes and not seen.pci.get("nvidia"):
        return ()
    problems = [*_nvidia_driver(seen, nodes), *_nvidia_nodes(seen, nodes), *_nvidia_told(seen)]
    problems += _nvidia_state(seen)
    if nodes:
        problems += [*_nvidia_engine(seen, facts)]
    names = sorted({card.name for card in cards if card.part_of is None})
    driver = f", driver {nvidia_driver(seen)}" if nvidia_driver(seen) else ""
    return _NVIDIA.all_of(problems, f"{len(nodes)} x {', '.join(names) or 'card'}{driver}")


def _nvidia_driver(seen: Seen, nodes: list[Node]) -> Iterator[Finding]:
    on_bus = len(seen.pci.get("nvidia", ()))
    if "nouveau" in seen.modules:
        yield _NVIDIA.fail(
            "nvidia.nouveau",
            "the free driver nouveau holds the card: NVIDIA's own cannot load",
            "blacklist nouveau (/etc/modprobe.d), rebuild the initramfs, reboot, install NVIDIA's driver",
        )
    elif not nodes and seen.numbers.get("secure_boot") == 1:
        yield _NVIDIA.fail(
            "nvidia.secure-boot",
            f"{on_bus} on the bus and no driver loaded, with Secure Boot on: it refuses unsigned modules",
            "enrol the module's key (mokutil --import, then reboot), or switch Secure Boot off",
        )
    elif not nodes:
        yield _NVIDIA.fail(
            "nvidia.no-driver",
            f"{on_bus} on the bus, and no driver is loaded",
            "install NVIDIA's driver, or `modprobe nvidia`; a new kernel wants its module built anew (dkms)",
        )
    elif on_bus > len(nodes):
        yield _NVIDIA.fail(
            "nvidia.lost",
            f"{on_bus} cards are on the bus and {len(nodes)} answer: the driver gave one up",
            "`dmesg | grep NVRM` says why; power the machine off and on",
        )


def _nvidia_nodes(seen: Seen, nodes: list[Node]) -> Iterator[Finding]:
    paths = {node.path for node in seen.nodes}
    if nodes and "/dev/nvidia-uvm" not in paths:
        yield _NVIDIA.warn(
            "nvidia.uvm",
            "the node /dev/nvidia-uvm is missing: CUDA ends with an unknown error (999)",
            "nvidia-modprobe -u -c=0; or run nvidia-persistenced at boot",
        )
    has_switch = any(path.startswith("/dev/nvidia-nvswitch") for path in paths)
    if has_switch and not seen.words.get("fabricmanager"):
        yield _NVIDIA.fail(
            "nvidia.fabricmanager",
            "a machine with NVSwitch whose fabric manager does not run: CUDA ends with error 802",
            "install nvidia-fabricmanager of exactly the driver's version, and start it",
        )


def _nvidia_told(seen: Seen) -> Iterator[Finding]:
    if told := seen.words.get("nvidia_smi_fails"):
        known = likely(told)
        what = f"nvidia-smi fails: {told[:160]}" + (f": {known.cause}" if known else "")
        mismatch = "version mismatch" in told
        fault = "nvidia.mismatch" if mismatch else "nvidia.smi"
        yield _NVIDIA.fail(fault, what, known.fix if known else "reinstall the driver, or reboot")
    if seen.xids:
        known = likely(seen.xids[-1])
        yield _NVIDIA.warn(
            "nvidia.xid",
            f"the kernel's log has {seen.xids[-1]}" + (f": {known.cause}" if known else ""),
            known.fix if known else "look the number up in NVIDIA's list of Xid errors",
        )


def _nvidia_state(seen: Seen) -> Iterator[Finding]:
    rows = [[cell.strip() for cell in row.split(",")] for row in seen.gpus]
    rows = [row for row in rows if len(row) == 6]
    if off := [row[0] for row in rows if row[2] == "Disabled"]:
        yield _NVIDIA.warn(
            "nvidia.persistence",
            f"persistence is off (card {', '.join(off)}): each start waits until the driver is loaded",
            "systemctl enable --now nvidia-persistenced, or nvidia-smi -pm 1",
        )
    if alone := [row[0] for row in rows if row[3] not in ("Default", "[N/A]", "N/A")]:
        yield _NVIDIA.warn(
            "nvidia.exclusive",
            f"card {', '.join(alone)} takes one process only (compute mode): a second one fails (46)",
            "nvidia-smi -c 0",
        )
    if any(row[4] == "Enabled" for row in rows) and not seen.numbers.get("mig"):
        yield _NVIDIA.fail(
            "nvidia.mig",
            "MIG is on and no instance is made: CUDA sees no card",
            "nvidia-smi mig -cgi 19 -C, or switch it off: nvidia-smi -mig 0",
        )
    if broken := [row[0] for row in rows if row[5].isdecimal() and int(row[5]) > 0]:
        yield _NVIDIA.fail(
            "nvidia.ecc",
            f"card {', '.join(broken)} has had memory errors that could not be corrected",
            "nvidia-smi -q -d ECC; reset it (nvidia-smi -r -i N); if they come again, it goes back",
        )


def _nvidia_engine(seen: Seen, facts: EngineFacts | None) -> Iterator[Finding]:
    if facts is None:
        return
    by_cdi = any(device.startswith("nvidia.com/gpu=") for device in facts.cdi)
    if not by_cdi and "nvidia" not in facts.setup.runtimes:
        if seen.words.get("toolkit"):
            yield _NVIDIA.fail(
                "nvidia.restart-docker",
                "the container toolkit is installed, and the engine does not know it",
                "nvidia-ctk runtime configure --runtime=docker; systemctl restart docker",
            )
        else:
            yield _NVIDIA.fail(
                "nvidia.toolkit",
                "containers cannot have the cards: NVIDIA's container toolkit is not installed",
                "install it; nvidia-ctk runtime configure --runtime=docker; systemctl restart docker",
            )
    elif not by_cdi and facts.setup.cgroup_driver == "systemd" and not seen.words.get("char_links"):
        yield _NVIDIA.warn(
            "nvidia.daemon-reload",
            "containers lose their cards at a `systemctl daemon-reload` (NVML: Unknown Error)",
            "use CDI: nvidia-ctk cdi generate --output=/var/run/cdi/nvidia.yaml (and Docker 28.3); or "
            '"exec-opts": ["native.cgroupdriver=cgroupfs"] in /etc/docker/daemon.json',
        )
