"""Ascend cards of a machine: their driver, their nodes and files. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from envkit.accelerators.cards import Card
from envkit.doctor.finding import Check, Finding
from envkit.doctor.seen import Node, Seen
from envkit.engines.values import EngineFacts

_ASCEND = Check(name="Ascend", domain="accelerator")
_SHARED = ("/dev/davinci_manager", "/dev/devmm_svm", "/dev/hisi_hdc")  # facts A3.1
_LIBRARIES = "/usr/local/Ascend/driver/lib64"
_VERSION = "/usr/local/Ascend/driver/version.info"
_NPU_SMI = ("/usr/local/bin/npu-smi", "/usr/local/sbin/npu-smi")


def judge_ascend(seen: Seen, _facts: EngineFacts | None, cards: tuple[Card, ...]) -> tuple[Finding, ...]:
    """Return a line for each problem, or one that says what is there; nothing without a card."""
    nodes = seen.numbered("/dev/davinci")
    if not nodes and not seen.pci.get("ascend"):
        return ()
    version = seen.words.get("ascend_version", "")
    names = sorted({card.name for card in cards})
    well = f"{len(nodes)} x {', '.join(names) or 'NPU'}" + (f", driver {version}" if version else "")
    return _ASCEND.all_of([*_ascend_driver(seen, nodes), *_ascend_files(seen, nodes)], well)


def _ascend_driver(seen: Seen, nodes: list[Node]) -> Iterator[Finding]:
    if not nodes:
        on_bus = len(seen.pci["ascend"])
        yield _ASCEND.fail(
            "ascend.no-driver",
            f"{on_bus} on the bus, and no driver is loaded",
            "install the driver and firmware (HDK) of the card; `npu-smi info` must work on the host",
        )
        return
    there = {node.path: node for node in seen.nodes}
    if missing := [path for path in _SHARED if path not in there]:
        yield _ASCEND.fail(
            "ascend.managers",
            f"{', '.join(missing)} is missing: no process can open a card without it",
            "install the driver again, or reboot",
        )
    manager = there.get("/dev/davinci_manager")
    if manager and seen.uid != 0 and not manager.mode & 0o006 and manager.group not in seen.gids:
        yield _ASCEND.warn(
            "ascend.group",
            f"the cards belong to the group {manager.group}, and {seen.user} is not in it (containers are)",
            f"sudo usermod -aG $(stat -c %G /dev/davinci_manager) {seen.user}, and log in again",
        )


def _ascend_files(seen: Seen, nodes: list[Node]) -> Iterator[Finding]:
    if not nodes:
        return
    if _LIBRARIES not in seen.ascend_folders:
        yield _ASCEND.fail(
            "ascend.libraries",
            f"{_LIBRARIES} is missing: containers get the driver's libraries from there",
            "install the driver (HDK) again",
        )
    folders = [path for path in (*_NPU_SMI, _VERSION) if path in seen.ascend_folders]
    if folders:
        yield _ASCEND.fail(
            "ascend.folder",
            f"{', '.join(folders)} is a folder: `docker -v` made it where the file was missing",
            f"rmdir {' '.join(folders)}, and install the driver again",
        )
    files = [path for path in (*_NPU_SMI, _VERSION) if path in seen.ascend_files]
    if not folders and not any(path in files for path in _NPU_SMI):
        yield _ASCEND.warn(
            "ascend.npu-smi",
            "npu-smi is not there: cards cannot be asked what they do",
            "install the driver's tools (HDK) again",
        )
    if not folders and _VERSION not in files:
        yield _ASCEND.warn(
            "ascend.version",
            f"{_VERSION} is missing: torch_npu and CANN cannot tell whether the driver fits",
            "install the driver (HDK) again",
        )
    if len(nodes) > 1 and "/etc/hccn.conf" not in seen.ascend_files:
        yield _ASCEND.warn(
            "ascend.hccn",
            "/etc/hccn.conf is missing: runs over several machines have no addresses for the cards",
            "hccn_tool -i N -ip -s address ... netmask ... for each card",
        )
