"""`--device`: how it is written, which image takes it, what the machine must have."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envkit.accelerators.base import Request, Seen, Wiring
from envkit.accelerators.cards import Card
from envkit.errors import AcceleratorError, UsageError
from envkit.plan.devices import DeviceWish, decide, parse_device, settled

GPUS = Seen(
    paths={"/dev/nvidia0": 0, "/dev/nvidia1": 0, "/dev/nvidiactl": 0, "/dev/nvidia-uvm": 0},
    cards=tuple(Card(index=number, name="H100", uuid=f"GPU-{number}f") for number in range(2)),
)
NPUS = Seen(
    paths={
        **{f"/dev/davinci{number}": 1000 for number in range(8)},
        "/dev/davinci_manager": 1001,
        "/dev/devmm_svm": 1000,
        "/dev/hisi_hdc": 1000,
        "/usr/local/Ascend/driver/lib64": 0,
        "/usr/local/bin/npu-smi": 0,
    },
    cards=tuple(Card(index=number, name="910B3", chip="910b") for number in range(8)),
)


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("auto", DeviceWish()),
        ("cpu", DeviceWish(accelerator="cpu")),
        ("cuda", DeviceWish(accelerator="cuda")),
        ("cuda:1,0,1", DeviceWish(accelerator="cuda", ids=(0, 1))),
        ("ascend:0-2,7", DeviceWish(accelerator="ascend", ids=(0, 1, 2, 7))),
        ("4", DeviceWish(count=4)),
        ("cuda:GPU-3f6d-0a", DeviceWish(accelerator="cuda", uuids=("GPU-3f6d-0a",))),
        ("cuda:1,MIG-5a6e", DeviceWish(accelerator="cuda", ids=(1,), uuids=("MIG-5a6e",))),
    ],
)
def test_a_device_is_an_accelerator_and_its_cards(text: str, wish: DeviceWish) -> None:
    assert parse_device(text) == wish


@pytest.mark.parametrize(
    "text",
    [
        "",
        "gpu",
        "cuda:",
        "cuda:a",
        "cuda:3-1",
        "auto:0",
        "cuda:0,",
        "cuda:-1",
        "cuda:1000",
        "CUDA",
        "0",
        "-2",
        "cpu:0",
        "cuda:TPU-1",
    ],
)
def test_what_is_no_device_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no device") as caught:
        parse_device(text)
    assert caught.value.fix.startswith("auto, cpu, cuda, ascend")


def test_an_image_for_the_cpu_needs_no_card() -> None:
    assert decide(DeviceWish(), "cpu", Seen()) == Wiring(accelerator="cpu")


def test_a_card_is_not_given_to_an_image_that_cannot_use_it() -> None:
    with pytest.raises(AcceleratorError, match="made for cpu, not for cuda") as caught:
        decide(parse_device("cuda:0"), "cpu", GPUS)
    assert caught.value.exit_code == 7


def test_any_image_starts_without_a_card_when_told_so() -> None:
    assert decide(parse_device("cpu"), "cuda", Seen()) == Wiring(accelerator="cpu")


@pytest.mark.parametrize("kind", ["cuda", "ascend"])
def test_a_machine_without_cards_says_how_to_start_all_the_same(kind: str) -> None:
    with pytest.raises(AcceleratorError, match=f"this machine has no {kind} card") as caught:
        decide(DeviceWish(), kind, Seen())
    assert "`--device cpu` starts it without" in caught.value.fix


@pytest.mark.parametrize(("kind", "seen"), [("cuda", GPUS), ("ascend", NPUS)])
def test_a_card_that_is_not_there_is_named(kind: str, seen: Seen) -> None:
    with pytest.raises(AcceleratorError, match=f"no {kind} card 8, 9: it has 0, 1"):
        decide(parse_device(f"{kind}:0,8-9"), kind, seen)


def test_gpus_are_asked_for_by_uuid() -> None:
    wiring = decide(DeviceWish(), "cuda", GPUS)
    assert (str(wiring), wiring.request) == ("cuda:0,1", Request(driver="", ids=("GPU-0f", "GPU-1f")))
    assert wiring.keys == ("GPU-0f", "GPU-1f")


def test_gpus_come_by_cdi_where_the_engine_knows_them_so() -> None:
    numbers = ("nvidia.com/gpu=0", "nvidia.com/gpu=1")
    wiring = decide(parse_device("cuda:1"), "cuda", replace(GPUS, cdi=numbers))
    assert wiring.request == Request(driver="cdi", ids=("nvidia.com/gpu=1",))
    by_uuid = replace(GPUS, cdi=(*numbers, "nvidia.com/gpu=GPU-1f"))
    wiring = decide(parse_device("cuda:1"), "cuda", by_uuid)
    assert wiring.request == Request(driver="cdi", ids=("nvidia.com/gpu=GPU-1f",))


def test_gpus_of_windows_have_no_nodes() -> None:
    wiring = decide(DeviceWish(), "cuda", replace(GPUS, paths={"/dev/dxg": 0}))
    assert (str(wiring), wiring.request) == ("cuda:0,1", Request(driver="", ids=("all",)))


def test_gpus_without_the_drivers_own_node_say_how_to_make_it() -> None:
    with pytest.raises(AcceleratorError, match="/dev/nvidiactl is missing"):
        decide(DeviceWish(), "cuda", replace(GPUS, paths={"/dev/nvidia0": 0}))


def test_npus_come_as_nodes_with_the_hosts_driver() -> None:
    assert decide(parse_device("ascend:2-3"), "ascend", NPUS) == Wiring(
        accelerator="ascend",
        ids=(2, 3),
        keys=("CARD-2", "CARD-3"),
        nodes=(
            "/dev/davinci2",
            "/dev/davinci3",
            "/dev/davinci_manager",
            "/dev/devmm_svm",
            "/dev/hisi_hdc",
        ),
        libraries=("/usr/local/Ascend/driver/lib64", "/usr/local/bin/npu-smi"),
        groups=("1001",),
        lacking=(
            "/usr/local/Ascend/driver/version.info",
            "/usr/local/dcmi",
            "/etc/ascend_install.info",
        ),
    )


@pytest.mark.parametrize("path", ["/dev/hisi_hdc", "/dev/davinci_manager", "/usr/local/Ascend/driver/lib64"])
def test_npus_with_half_a_driver_are_refused(path: str) -> None:
    less = replace(NPUS, paths={key: group for key, group in NPUS.paths.items() if key != path})
    with pytest.raises(AcceleratorError, match=f"{path} is missing"):
        decide(DeviceWish(), "ascend", less)


def test_an_image_for_the_cpu_has_no_use_for_any_four() -> None:
    with pytest.raises(AcceleratorError, match="made for cpu: it has no use for 4 cards"):
        decide(parse_device("4"), "cpu", GPUS)


@pytest.mark.parametrize(
    ("asked", "kept", "result"),
    [
        (None, "cuda:0,1", "cuda:0,1"),
        ("auto", "cuda:0,1", "cuda:0,1"),
        ("2", "cuda:0,1", "cuda:0,1"),
        ("1", "cuda:MIG-5a", "cuda:MIG-5a"),
        ("3", "cuda:0,1", "3"),
        ("cuda:1", "cuda:0,1", "cuda:1"),
    ],
)
def test_what_an_environment_has_is_what_a_loose_wish_means(
    asked: str | None, kept: str, result: str
) -> None:
    assert settled((asked and parse_device(asked)) or None, parse_device(kept)) == parse_device(result)
