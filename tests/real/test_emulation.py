"""What a real engine runs of other machines: its own always, another where the kernel emulates it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from envkit.container.maker import is_this_process
from envkit.engines.docker import connect
from envkit.engines.values import OWNED
from envkit.hosts.local import LocalHost
from envkit.image.emulation import emulates
from envkit.image.for_now import giver

SPEC = """name: emulated
base: debian:12
accelerator: cpu
python: "3.11"
target: {machine: arm64}
"""


@pytest.mark.real
def test_an_engine_runs_its_own_machine_s_smallest_program_and_nothing_stays() -> None:
    engine = connect(LocalHost())
    assert emulates(engine, engine.facts().architecture)
    assert not emulates(engine, "riscv64"), "envkit has no program for it"
    left = engine.images.list({OWNED: "true", "io.envkit.kind": "emulation"})
    assert not [tag for image in left for tag in image.tags if is_this_process(giver(tag))]


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_an_image_for_arm64_is_built_and_proven_by_emulation(tmp_path: Path) -> None:
    engine = connect(LocalHost())
    if engine.facts().architecture == "arm64":
        pytest.skip("this engine's machine is arm64: nothing is emulated")
    if not emulates(engine, "arm64"):
        pytest.skip("the engine's machine does not emulate arm64: `apt-get install qemu-user-static`")
    (tmp_path / "envkit.yaml").write_text(SPEC)
    tag = f"envkit-test-emulated:{os.getpid()}"
    words = (str(Path(sys.executable).with_name("envkit")), "build", str(tmp_path), "--tag", tag)
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        made = engine.images.inspect(tag)
        assert made and made.architecture == "arm64" and "io.envkit.verdict" in made.labels
        assert "warning: the image of emulated is made for arm64 and emulated on" in done.stderr
    finally:
        engine.images.untag(tag)
