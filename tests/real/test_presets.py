"""Every preset is built and proven, on a base that stands in for its maker's.

What cannot be had here has a stand-in, too; what a preset then still lacks is said in the table.

By hand: `pytest -m long tests/real/test_presets.py`; `-k ngc` for one of them.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from envkit import paths
from envkit.accelerators.needs import LABEL, from_label
from envkit.engines.base import Engine
from envkit.engines.docker import connect
from envkit.hosts.local import LocalHost
from envkit.spec.family import preset_names
from envkit.spec.load import load
from tests.npu_sim import base as npu_sim
from tests.real.derived import derived

DEBIAN = "debian:12"
HERE = Path(__file__).parents[2]
Base = Callable[[Engine, Path], None]


def plain(name: str) -> Base:
    """Name Debian as the maker's base is named, from which envkit reads what is in it."""
    return lambda engine, folder: engine.images.tag(_id(engine, DEBIAN), name)


def cann(name: str) -> Base:
    """Make the stand-in CANN under a vendor's name."""
    return lambda engine, folder: engine.images.tag(
        _id(engine, npu_sim.build_base(engine, LocalHost())), name
    )


def with_torch(name: str, version: str, cuda: str) -> Base:
    """Make a base whose own Python has torch."""

    def make(engine: Engine, folder: Path) -> None:
        context = folder / "base"
        context.mkdir()
        wheel = torch_wheel(context, version, cuda)
        (context / "Dockerfile").write_text(
            "FROM GOOD\n"
            "RUN --mount=type=secret,id=envkit-net . /run/secrets/envkit-net; apt-get update -qq;"
            " apt-get install -y -qq --no-install-recommends python3 python3-venv python3-pip\n"
            f"COPY {wheel} /tmp/\n"
            f"RUN python3 -m pip install --no-index --break-system-packages /tmp/{wheel}\n"
        )
        with derived(context, DEBIAN) as made:
            engine.images.tag(_id(engine, made), name)

    return make


@dataclass(frozen=True, kw_only=True)
class Built:
    """How one preset is built here."""

    spec: str  # what follows `extends`
    base: Base | None = None  # None: it can be had here
    torch: tuple[str, str] | None = None  # a stand-in wheel: version and CUDA
    program: tuple[str, ...] = (str(Path(sys.executable).with_name("envkit")),)
    above: str = ""  # what it is put upon
    lacks: str = ""  # what of the preset itself is not proven by it


ON_DEBIAN = f'os: "{DEBIAN}"\npython: "3.11"\n'
NVIDIA = "the maker's base and CUDA's libraries; torch itself"


def cuda(tag: str, torch: str, line: str) -> Built:
    """A preset for GPUs: NVIDIA's base and torch's CUDA wheels are elsewhere."""
    name = f"envkit-test/nvidia/cuda:{tag}"
    return Built(
        spec=f"base: {name}\n{ON_DEBIAN}pip: {{wheels: wheels}}\n",
        base=plain(name),
        torch=(f"{torch}+cu{line.replace('.', '')}", line),
        lacks=NVIDIA,
    )


def ascend(chip: str) -> Built:
    """A preset for NPUs on the stand-in CANN, with the torch_npu that can be had here."""
    name = f"envkit-test/ascend/cann:9.1.0-{chip}-ubuntu22.04-py3.11"
    return Built(
        spec=f'base: {name}\n{ON_DEBIAN}torch: "2.13.0"\ntorch_npu: "2.13.0"\n',
        base=cann(name),
        program=(sys.executable, "-m", "tests.npu_sim.with_row"),
        lacks="CANN and its base; torch_npu 2.12.0 (2.13.0 is installed)",
    )


TABLE = {
    "ascend": ascend("910b"),
    "ascend-310p": ascend("310p"),
    "cpu": Built(spec=""),
    "cuda": cuda("13.0.3-base-ubuntu24.04", "2.14.1", "13.0"),
    "cuda-blackwell": cuda("12.8.1-base-ubuntu24.04", "2.11.0", "12.8"),
    "cuda-older": cuda("12.6.3-base-ubuntu24.04", "2.14.1", "12.6"),
    "generic": Built(spec="", above="ide-only"),
    "ide-only": Built(spec=""),
    "modelarts": Built(spec="", above="ide-only"),
    "ngc": Built(
        spec=f"base: envkit-test/nvidia/pytorch:25.10-py3\n{ON_DEBIAN}",
        base=with_torch("envkit-test/nvidia/pytorch:25.10-py3", "2.9.0a0+145a3a7.nv25.10", "13.0"),
        lacks=NVIDIA,
    ),
    "openshift": Built(spec="", above="ide-only"),
    "sagemaker": Built(spec="", above="ide-only"),
    "tensorflow": Built(spec=""),
}
NOT_HERE = {
    "ascend-310p-openeuler": "built by test_openeuler.py, on a stand-in for openEuler",
    "ascend-openeuler": "built by test_openeuler.py, on a stand-in for openEuler",
    "cpu-arm64": "test_emulation.py builds it without torch: PyPI has none for arm64 that is for CPUs",
    "platform-manual": "built by test_mirrors.py, on a stand-in for its maker's script",
    "tensorflow-cuda": "gigabytes of NVIDIA's libraries",
}


def test_every_preset_has_its_row() -> None:
    assert sorted({*TABLE, *NOT_HERE}) == preset_names(paths.presets())


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", TABLE)
def test_a_preset_is_built_and_proven(name: str, debian: str, tmp_path: Path) -> None:
    row, engine = TABLE[name], connect(LocalHost())
    if row.base:
        row.base(engine, tmp_path)
    presets = ", ".join(f"preset:{one}" for one in (row.above, name) if one)
    spec = tmp_path / "spec"
    spec.mkdir()
    (spec / "envkit.yaml").write_text(f"name: {name}\nextends: [{presets}]\n{row.spec}")
    if row.torch:
        (spec / "wheels").mkdir()
        torch_wheel(spec / "wheels", *row.torch)
    tag, stands_in = f"envkit-test-preset-{name}:dev", load(str(spec), paths.presets()).spec.base
    own = row.base and stands_in != npu_sim.REFERENCE  # which other tests have, too
    words = (*row.program, "build", str(spec), "--tag", tag)
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=HERE)
        assert done.returncode == 0, done.stderr
        proven(engine, tag, of_nvidia="nvidia" in stands_in)
    finally:
        for made in (tag, *([stands_in] if own else [])):
            engine.images.untag(made)


def proven(engine: Engine, tag: str, *, of_nvidia: bool) -> None:
    """See that the image has its name, and in its label what its torch says of GPUs."""
    made = engine.images.inspect(tag)
    assert made, "built, proven and tagged"
    if of_nvidia:
        needs = from_label(made.labels[LABEL])
        assert needs and (needs.chips, needs.newer_chips) == (("9.0", "10.0", "12.0"), True), "as torch says"
        assert needs.paired, "also of a base's own torch: the driver that its CUDA came with"


TORCH = '''\
"""What stands in for torch where its own wheels are not to be had: as much as a proof asks of it."""
from . import _C, version
from .version import __version__

class Tensor(list):
    def __matmul__(self, other):
        return Tensor([sum(one * two for one, two in zip(self, other))])
    def item(self):
        return self[0]

def arange(end):
    return Tensor(map(float, range(int(end))))

def ones(count):
    return Tensor([1.0] * count)
'''


# What a build says of itself: other chips than any table has, so that they can only come from here.
CODE = 'def _cuda_getArchFlags():\n    return "sm_90 sm_100 sm_120 compute_120"\n'


def torch_wheel(folder: Path, version: str, cuda: str) -> str:
    """Write a stand-in for torch's wheel; return its file's name."""
    name, about = f"torch-{version}-cp311-cp311-linux_x86_64.whl", f"torch-{version}.dist-info"
    files = {
        "torch/__init__.py": TORCH,
        "torch/_C.py": CODE,
        "torch/version.py": f"__version__ = {version!r}\ncuda: str = {cuda!r}\n",
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp311-cp311-linux_x86_64\n",
    }
    record = f"{about}/RECORD"
    with zipfile.ZipFile(folder / name, "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
        wheel.writestr(record, "".join(f"{path},,\n" for path in (*files, record)))
    return name


def _id(engine: Engine, reference: str) -> str:
    facts = engine.images.inspect(reference)
    assert facts, reference
    return facts.id
