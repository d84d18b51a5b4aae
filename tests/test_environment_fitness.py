"""`up` against the cards that a machine's own tools tell: refused before anything is made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from envkit.accelerators.fit import Needs
from envkit.accelerators.needs import LABEL, to_label
from envkit.environment.up import Site, UpRequest, plan_up, up
from envkit.errors import AcceleratorError
from envkit.plan.run_plan import RunPlan
from tests.environments import Door, TalkingHost, a_request, a_site

OUTPUTS = Path(__file__).parent / "card_outputs"
H100 = (OUTPUTS / "nvidia-smi-535-h100.csv").read_text("utf-8")  # two, driver 535.129.03
NPU = "".join(  # two, driver 24.1.0.3; without the process that ran on one
    line
    for line in (OUTPUTS / "npu-smi-24.1.0.3-910b3.txt").read_text("utf-8").splitlines(keepends=True)
    if "mindie" not in line
)
SHARED = "davinci_manager\ndevmm_svm\nhisi_hdc\n"
GROUPS = "".join(
    f"1000 {path}\n"
    for path in (
        *("/dev/davinci0", "/dev/davinci1", "/dev/davinci_manager", "/dev/devmm_svm", "/dev/hisi_hdc"),
        "/usr/local/Ascend/driver/lib64",
    )
)


@dataclass
class Machine(TalkingHost):
    """A machine with a maker's tool."""

    tool: str = "nvidia-smi"

    def find_programs(self, name: str) -> tuple[Path, ...]:
        return (Path("/usr/bin") / name,) if name == self.tool else ()


def asked(needs: Needs) -> UpRequest:
    request = a_request()
    ours = {**request.image.labels, "io.envkit.accelerator": needs.accelerator, LABEL: to_label(needs)}
    return replace(request, image=replace(request.image, labels=ours), timeout_s=1000)


def nvidia() -> Site:
    site, _, host = a_site(Door())
    answers = {
        **host.answers,
        "ls": "nvidia0\nnvidia1\nnvidiactl\n",
        "stat": "0 /dev/nvidia0\n0 /dev/nvidia1\n0 /dev/nvidiactl\n",
        "/usr/bin/nvidia-smi": H100,
        "nvidia-smi": H100,
    }
    return replace(site, host=Machine(answers))


def ascend() -> Site:
    site, _, host = a_site(Door())
    answers = {
        **host.answers,
        "ls": f"davinci0\ndavinci1\n{SHARED}",
        "stat": GROUPS,
        "/usr/bin/npu-smi": NPU,
        "npu-smi": NPU,
    }
    return replace(site, host=Machine(answers, tool="npu-smi"))


def needs(**more: object) -> Needs:
    return Needs(**{"accelerator": "cuda", "machine": "amd64", **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("site", "wanted", "what"),
    [
        (nvidia, needs(driver="580"), "the image needs driver 580 or newer, the host has 535.129.03"),
        (
            nvidia,
            needs(driver="525.60.13", chips=("10.0", "12.0")),
            "the image is made for 10.0, 12.0, card 0 (NVIDIA H100 80GB HBM3) is 9.0; "
            "the image is made for 10.0, 12.0, card 1 (NVIDIA H100 80GB HBM3) is 9.0",
        ),
        (
            ascend,
            needs(accelerator="ascend", driver="25.2", chips=("910b",), cann="9.1.0"),
            "the image needs driver 25.2 or newer (CANN 9.1.0), the host has 24.1.0.3",
        ),
        (
            ascend,
            needs(accelerator="ascend", chips=("310p",)),
            "the image is made for 310p, card 0 (910B3) is 910b; "
            "the image is made for 310p, card 1 (910B3) is 910b",
        ),
    ],
)
def test_an_image_that_the_cards_do_not_do_for_is_refused_before_anything_is_made(
    site: object, wanted: Needs, what: str
) -> None:
    place = site()  # type: ignore[operator]
    with pytest.raises(AcceleratorError) as error:
        up(place, asked(wanted), lambda line: None)
    assert (error.value.what, error.value.exit_code) == (what, 7)
    assert error.value.fix and place.engine.containers.find({}) == ()


def test_cards_that_do_are_given_with_a_warning_where_the_driver_only_just_does() -> None:
    found = plan_up(nvidia(), asked(needs(driver="525.60.13", paired="570.26", chips=("9.0",))))
    assert isinstance(found, RunPlan) and found.device.ids == (0, 1)
    assert found.warnings[0].startswith("the host's driver 535.129.03 is older than 570.26")
