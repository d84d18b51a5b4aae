"""Which images of an engine its machine's driver does not bear."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envkit.accelerators.cards import Card
from envkit.accelerators.fit import Needs
from envkit.accelerators.needs import LABEL, to_label
from envkit.doctor.cards import Held
from envkit.doctor.finding import Finding
from envkit.doctor.images import judge_images
from envkit.engines.fake import FakeEngine
from envkit.engines.fake_images import EMPTY

CUDA = Needs(accelerator="cuda", machine="amd64", driver="525.60.13", paired="550.54.14", chips=("9.0",))
H100 = Card(index=0, name="NVIDIA H100 80GB HBM3", chip="9.0", driver="550.54.14")
ON_CUDA: Held = {"cuda": (H100,)}
ON_ASCEND: Held = {"ascend": (Card(index=0, name="910B3", chip="910b", driver="24.1.0.3"),)}


def judged(held: Held, *all_needs: Needs) -> tuple[Finding, ...]:
    engine = FakeEngine()
    for number, needs in enumerate(all_needs):
        engine.images.add(
            replace(
                EMPTY, id=f"sha256:{number:064}", tags=(f"t{number}:dev",), labels={LABEL: to_label(needs)}
            )
        )
    return judge_images(engine, held)


def test_a_machine_without_cards_has_no_line() -> None:
    assert judged({}, CUDA) == ()


def test_images_that_the_driver_bears_are_counted() -> None:
    (found,) = judged(ON_CUDA, CUDA, CUDA)
    assert (found.outcome, found.what) == ("ok", "2 of envkit's, all fit driver and cards")


@pytest.mark.parametrize(
    ("changes", "fault", "says"),
    [
        ({"driver": "580.65.06"}, "images.unfit", "t0:dev: the image needs driver 580.65.06 or newer"),
        ({"chips": ("12.0",)}, "images.unfit", "t0:dev: "),
        ({"paired": "570.26"}, "images.paired", "t0:dev: the host's driver 550.54.14 is older than 570.26"),
    ],
)
def test_an_image_that_needs_another_driver_or_card_is_named(
    changes: dict[str, object], fault: str, says: str
) -> None:
    (found,) = judged(ON_CUDA, replace(CUDA, **changes))  # type: ignore[arg-type]
    assert (found.outcome, found.fault) == ("warn", fault)
    assert found.what.startswith(says) and found.fix


def test_an_image_for_other_cards_is_not_held_against_these() -> None:
    (found,) = judged(ON_ASCEND, replace(CUDA, driver="999.0"))
    assert found.outcome == "ok"


def test_a_damaged_label_is_not_judged() -> None:
    engine = FakeEngine()
    engine.images.add(replace(EMPTY, labels={LABEL: "{"}))
    (found,) = judge_images(engine, ON_CUDA)
    assert found.outcome == "ok"
