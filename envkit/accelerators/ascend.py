"""Huawei Ascend NPUs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from envkit.accelerators import npu_rings, npu_smi
from envkit.accelerators.base import Seen, Shape, Wiring, present
from envkit.accelerators.cards import OK, Ask, Card, CardUse, Found
from envkit.errors import AcceleratorError

if TYPE_CHECKING:
    from envkit.accelerators.fit import Needs, Resolved, Wish
    from envkit.accelerators.needs import Code

# What a container needs of the host beside the cards themselves (facts A3.1).
_NODE = "/dev/davinci"
_MANAGER = "/dev/davinci_manager"
_SHARED = (_MANAGER, "/dev/devmm_svm", "/dev/hisi_hdc")
_DRIVER = "/usr/local/Ascend/driver/lib64"
_OPTIONAL = (
    "/usr/local/Ascend/driver/version.info",
    "/usr/local/dcmi",
    "/usr/local/bin/npu-smi",
    "/etc/ascend_install.info",
)
# What an unmodified CUDA script needs. ENVKIT_TRANSFER: probes/shim_transfer.py brings transfer_to_npu in.
# Without the capability torch.cuda.get_device_capability() is None, and `>= (8, 0)` a TypeError (facts A5.4);
# 8.0 is the first that has bfloat16, which chips from the 910B on have too.
_CARRIED = {"ENVKIT_TRANSFER": "1", "TORCH_NPU_DEVICE_CAPABILITY": "8.0"}
# Ranks compile their operators at different speeds, and HCCL waits 120 s for the slowest (facts A6: 1200).
_TOGETHER = {"HCCL_CONNECT_TIMEOUT": "1200"}


class Ascend:
    """Ascend NPUs: torch's CPU build with torch_npu of the same version, on a CANN base."""

    name = "ascend"
    torch_device = "npu"
    looks_at: tuple[str, ...] = (f"{_NODE}*", *_SHARED, _DRIVER, *_OPTIONAL)
    # CANN's operator compiler runs in its image's own Python and needs that one's packages (facts A1.4).
    python_is_the_base_s = True
    base_has_variables = True
    build_bytes = 8 << 30
    use_command: tuple[str, ...] = npu_smi.USE
    sharing = (
        "a second container gets an NPU only after `npu-smi set -t device-share -i CARD -c CHIP -d 1` on the "
        "host, as root; a reboot forgets it"
    )

    def resolve(self, wish: Wish) -> Resolved:
        """Take torch's CPU build with the torch_npu that is made for the base's CANN."""
        from envkit.accelerators import ascend_fit  # tables that only a spec needs

        return ascend_fit.resolve(wish)

    def runs_on(self, needs: Needs, chip: str) -> bool:
        """Tell whether an image's operators are those of a chip: CANN has them for one each (facts A2.1)."""
        return chip in needs.chips

    def as_built(self, needs: Needs, code: Code) -> Needs:
        """Return them as they are: the code for the chip is CANN's, not torch's."""
        return needs

    def cards(self, text: str) -> tuple[CardUse, ...]:
        """Read what `use_command` printed."""
        return npu_smi.of_use(text)

    def find(self, ask: Ask, seen: Seen) -> Found:
        """Ask npu-smi; a node that it does not tell is a card that cannot be used, and so is the reverse."""
        told, said = npu_smi.find(ask)
        nodes = present(seen, _NODE)
        cards = tuple(
            card if card.index in nodes else replace(card, health=f"{_NODE}{card.index} is missing")
            for card in told
        )
        known = {card.index for card in cards}
        why = "npu-smi does not list it" if cards else OK if said == npu_smi.ABSENT else said
        untold = tuple(
            Card(index=number, name="Ascend NPU", health=why) for number in nodes if number not in known
        )
        return Found(
            accelerator=self.name,
            cards=tuple(sorted((*cards, *untold), key=lambda card: card.index)),
            looked=(said, f"{_NODE}*: {len(nodes)} nodes"),
        )

    def with_firmware(self, ask: Ask, cards: tuple[Card, ...]) -> tuple[Card, ...]:
        """Ask npu-smi for each board's firmware."""
        return npu_smi.with_firmware(ask, cards)

    def discord(self, cards: tuple[Card, ...]) -> str:
        """Keep the rules of rings."""
        return npu_rings.discord(cards)

    def wire(self, cards: tuple[Card, ...], seen: Seen) -> Wiring:
        """Hand over the cards' nodes, the shared ones, and the host's driver: that works on every engine.

        The container counts its cards from 0 by itself: ASCEND_RT_VISIBLE_DEVICES stays unset (facts A3.4).
        """
        missing = [path for path in (*_SHARED, _DRIVER) if path not in seen.paths]
        if missing:
            raise AcceleratorError(
                f"the host's Ascend driver is not whole: {', '.join(missing)} is missing",
                fix="install the driver (HDK) again; `npu-smi info` must work on the host",
            )
        return Wiring(
            accelerator=self.name,
            ids=tuple(card.index for card in cards),
            keys=tuple(card.key for card in cards),
            nodes=(*(f"{_NODE}{card.index}" for card in cards), *_SHARED),
            libraries=(_DRIVER, *(path for path in _OPTIONAL if path in seen.paths)),
            groups=(str(seen.paths[_MANAGER]),),  # the nodes are 0660 (facts A3.6)
            lacking=tuple(path for path in _OPTIONAL if path not in seen.paths),
        )

    def inside(self, ask: Ask) -> tuple[str, ...] | None:
        """Look at the nodes: in a container they keep the host's numbers, and npu-smi counts anew.

        Where npu-smi is there, it says what nodes do not: that the card is another container's (facts A3.5).
        """
        use = ask(npu_smi.USE)
        if use and use.code:
            raise AcceleratorError(
                f"the container got its cards, and npu-smi in it fails: {npu_smi.complaint(use)}",
                fix="`npu-smi info` on the host shows who has the card; `envkit doctor` looks at the driver",
            )
        told = ask(("ls", "-1", "/dev"))
        if told is None or told.code:
            return None
        paths = {f"/dev/{name}": 0 for name in told.stdout.split()}
        return tuple(Card(index=number, name="").key for number in present(Seen(paths=paths), _NODE))

    def run_environment(self, shape: Shape) -> dict[str, str]:
        """Carry CUDA scripts over, give HCCL time; `=` before an interface: exactly that one (facts A6)."""
        together = _TOGETHER if shape.processes > 1 else {}
        if not shape.link:
            return {**_CARRIED, **together}
        link = {"HCCL_SOCKET_IFNAME": f"={shape.link}", "GLOO_SOCKET_IFNAME": shape.link}
        return {**_CARRIED, **together, **link}
