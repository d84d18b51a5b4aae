"""Make the stand-in CANN's base image, and the spec of an image on it.

For a test: the fixture `ascend_image` (tests/real/conftest.py) is such an image, built and proven, with the
real torch_npu 2.13 on the stand-in: `docker run --rm IMAGE python x.py` has `torch.npu`, two cards of 1 GiB.
NPU_SIM_DEVICES, NPU_SIM_MEMORY_MIB, NPU_SIM_SOC and NPU_SIM_LOG change what there is (ascendcl.c), and
NPU_SIM_HCCL_WAIT_S how long a rank waits for one that does not come (hccl.c): `docker run -e` gives them.
`make -C tests/npu_sim LIB=FOLDER` builds the libraries for a Python of this machine.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from envkit.engines.base import Engine
from envkit.engines.values import BuildRequest
from envkit.hosts.base import Host
from envkit.image.base import find_base
from envkit.image.network import environment_of, read_network
from envkit.plan.network import for_base, script

# Named as the vendor's, so that it counts as CANN with a Python of its own; the spec says which system it is.
REFERENCE = "envkit-test/ascend/cann:9.1.0-910b-ubuntu22.04-py3.11"
SYSTEM = "debian:12"
SPEC = f"""\
name: envkit-test-ascend
base: {REFERENCE}
os: {SYSTEM}
accelerator: ascend
python: "3.11"
torch: "2.13.0"
torch_npu: "2.13.0"
env: {{LCCL_DETERMINISTIC: "1"}}
ide: {{code_server: false}}
services: {{tensorboard: false}}
"""


def build_base(engine: Engine, host: Host) -> str:
    """Build the base; return its name. The builder's cache makes a second time quick."""
    find_base(SYSTEM, engine, host, lambda line: None)
    network = for_base(read_network(host, environment_of(host)), SYSTEM)
    with tempfile.TemporaryDirectory(prefix="npu-sim-") as scratch:
        folder, secret = Path(scratch) / "context", Path(scratch) / "net"
        shutil.copytree(Path(__file__).parent, folder, ignore=shutil.ignore_patterns("__pycache__", "lib"))
        shutil.copy(folder / "cann" / "Dockerfile", folder / "Dockerfile")
        secret.touch(mode=0o600)
        secret.write_text(script(network), encoding="utf-8")
        request = BuildRequest(
            context=folder, secrets={"envkit-net": secret}, build_args=dict(network.proxies)
        )
        image = engine.builder.build(request, lambda event: None)
    engine.images.tag(image, REFERENCE)
    return REFERENCE
