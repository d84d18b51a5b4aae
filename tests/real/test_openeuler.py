"""Bases with dnf, on a stand-in for openEuler: what is rendered for them really runs (tests/openeuler)."""

from __future__ import annotations

import ipaddress
import json
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import docker
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from envkit import context, paths
from envkit.engines.docker import connect
from envkit.engines.values import BuildRequest
from envkit.hosts.local import LocalHost
from envkit.image.inputs import read_inputs
from envkit.image.network import read_network
from envkit.image.planned import Known, plan_spec
from envkit.plan.facts import BuildFacts
from envkit.plan.network import FOLDER, Network, script
from envkit.spec.load import load
from tests.openeuler import stand_in

CPU = f"""\
name: envkit-test-openeuler
base: {stand_in.IMAGE}
dnf: [git, less, tmux-1.0]
ide: {{code_server: false}}
"""
# A preset, but for what can be had here: the stand-in's Python, and the torch_npu that has a wheel for it.
ASCEND = """\
name: envkit-test-openeuler
extends: [preset:{preset}]
base: {base}
python: "3.11"
torch: "2.13.0"
torch_npu: "2.13.0"
"""
PRESETS = {"ascend-openeuler": "910b", "ascend-310p-openeuler": "310p"}
BUILT = "envkit-test-openeuler:dev"
# Where a build could have left what it was told of the mirror.
LOOK = 'grep -rl "$1" /etc /opt/envkit/etc /var/lib /var/log /usr/lib 2>/dev/null || true'
# What dnf found and did, as rpm's own database says it; the run user, and the folder it owns.
SAY = (
    "rpm -q git less tmux --qf '%{NAME} %{VERSION}\\n'; less --version | head -n 1; tmux -V; "
    "id dev; stat -c %a:%U:%G /work/home"
)


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def stages() -> Iterator[dict[str, str]]:
    """The stand-in, under openEuler's own name, and the stage that made its packages."""
    with stand_in.standing_in(connect(LocalHost()), LocalHost(), "made") as made:
        yield made


def self_signed(file: Path) -> str:
    """Write a certificate of 127.0.0.1 with its key; return the certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stand-in")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    begin = datetime.now(timezone.utc) - timedelta(hours=1)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(begin).not_valid_after(begin + timedelta(days=2))
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    signed = made.add_extension(address, critical=False).sign(key, hashes.SHA256())
    pem = signed.public_bytes(serialization.Encoding.PEM)
    form = serialization.PrivateFormat.PKCS8
    file.write_bytes(pem + key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return pem.decode()


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder served as a mirror, by TLS, whose authority only this machine's CA bundle names."""
    root = tmp_path / "mirror"
    root.mkdir()
    certificate = self_signed(tmp_path / "pair.pem")
    secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secure.load_cert_chain(tmp_path / "pair.pem")
    known = read_network(LocalHost(), os.environ).ca_bundle
    (tmp_path / "bundle.pem").write_text(f"{known}\n{certificate}")
    monkeypatch.setenv("PIP_CERT", str(tmp_path / "bundle.pem"))
    monkeypatch.setenv("NO_PROXY", f"127.0.0.1,{os.environ.get('NO_PROXY', '')}")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root))) as server:
        server.socket = secure.wrap_socket(server.socket, server_side=True)
        monkeypatch.setenv("ENVKIT_OPENEULER_URL", f"https://127.0.0.1:{server.server_port}/")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield root
        server.shutdown()
        thread.join()


@pytest.fixture
def built(engine: docker.DockerClient) -> Iterator[str]:
    """The name of what is built, taken away afterwards."""
    yield BUILT
    if engine.images.list(BUILT):
        engine.images.remove(BUILT)


def system_only(folder: Path) -> BuildRequest:
    """Return a rendered build up to where the user's Python begins: the base, its packages, the run user."""
    (folder / "envkit.yaml").write_text(CPU)
    loaded = load(folder / "envkit.yaml", paths.presets())
    network = read_network(LocalHost(), os.environ)
    known = Known(facts=BuildFacts(), network=network, inputs=read_inputs(loaded))
    plan = plan_spec(loaded, known, look_outside=False)
    context.write(plan.files, folder / "context")
    dockerfile = folder / "context" / "Dockerfile"
    text = dockerfile.read_text("utf-8")
    part = text[text.index("# ---- the image: ") : text.index("# ---- the user's Python: ")]
    dockerfile.write_text(part, "utf-8")
    secret = folder / "net"
    secret.touch(mode=0o600)
    secret.write_text(script(plan.network), "utf-8")
    return BuildRequest(context=folder / "context", secrets={"envkit-net": secret}, no_cache=True)


@pytest.mark.real
def test_dnf_installs_signed_packages_from_a_mirror_behind_the_machine_s_own_ca(
    engine: docker.DockerClient, stages: dict[str, str], mirror: Path, built: str, tmp_path: Path
) -> None:
    stand_in.take_repository(stages["made"], mirror)
    ours = connect(LocalHost())
    ours.images.tag(ours.builder.build(system_only(tmp_path), lambda event: None), built)
    said = engine.containers.run(built, ["sh", "-c", SAY], user="0:0", remove=True).decode().splitlines()
    assert said[:3] == ["git 1.0", "less 1.0", "tmux 1.0"]
    assert said[3].startswith("less ") and said[4].startswith("tmux ")
    assert said[5].startswith("uid=1000(dev) gid=0(root)") and said[6] == "2775:dev:root"
    address = os.environ["ENVKIT_OPENEULER_URL"].split("/")[2]
    assert engine.containers.run(built, ["sh", "-c", LOOK, "sh", address], user="0:0", remove=True) == b""
    image = engine.images.get(built)
    assert address not in repr(image.attrs) + repr(image.history())


@pytest.mark.real
def test_a_mirror_stands_for_openeuler_s_own_addresses_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "yum.repos.d").mkdir()
    (tmp_path / "yum.repos.d" / "a.repo").write_text(
        "[OS]\nbaseurl=http://repo.openeuler.org/openEuler-24.03-LTS-SP1/OS/$basearch/\n"
        "metalink=https://mirrors.openeuler.org/metalink?repo=$releasever/OS&arch=$basearch\n"
        "gpgkey=http://repo.openeuler.org/openEuler-24.03-LTS-SP1/OS/$basearch/RPM-GPG-KEY-openEuler\n"
        "[vendor]\nbaseurl=https://vendor.example/repo/\nmetalink=https://vendor.example/metalink\n"
    )
    told = script(Network(dnf_mirror="https://m/a&b,c\\1'x/"))
    told = told.replace(FOLDER, str(tmp_path)).replace("/etc/yum.repos.d", str(tmp_path / "yum.repos.d"))
    subprocess.run(["bash", "-euo", "pipefail", "-c", told], check=True)
    assert (tmp_path / "repos.d" / "a.repo").read_text() == (
        "[OS]\nbaseurl=https://m/a&b,c\\1'x/openEuler-24.03-LTS-SP1/OS/$basearch/\n"
        "gpgkey=https://m/a&b,c\\1'x/openEuler-24.03-LTS-SP1/OS/$basearch/RPM-GPG-KEY-openEuler\n"
        "[vendor]\nbaseurl=https://vendor.example/repo/\nmetalink=https://vendor.example/metalink\n"
    )


@pytest.fixture(params=PRESETS)
def chip(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The chip of a preset, whose spec lies in the test's folder."""
    found = PRESETS[request.param]
    base = stand_in.CANN.replace("910b", found)
    (tmp_path / "envkit.yaml").write_text(ASCEND.format(preset=request.param, base=base))
    return found


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("ascend_image")
def test_a_preset_on_openeuler_is_built_with_both_ides_and_proven(
    engine: docker.DockerClient, chip: str, mirror: Path, built: str, tmp_path: Path
) -> None:
    with stand_in.standing_in(connect(LocalHost()), LocalHost(), "cann", "compilers", chip=chip) as made:
        stand_in.take_repository(made["compilers"], mirror)
        words = (sys.executable, "-m", "tests.npu_sim.with_row", "build", str(tmp_path), "--json")
        root = Path(__file__).parents[2]
        ended = subprocess.run(words, cwd=root, capture_output=True, text=True, timeout=3000, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert {item["outcome"] for item in json.loads(ended.stdout)["verdict"]["items"]} <= {
        "passed",
        "not-applicable",
    }
    held = json.loads(engine.containers.run(built, ["cat", "/opt/envkit/manifest.json"], remove=True))
    assert held["os"] == "openEuler 24.03 (LTS)" and held["apt"] == {}
    assert held["rpm"]["tmux"] == "1.0-1.oe2403" and "gcc-c++" not in held["rpm"]
    use = "import torch; print((torch.ones(3, device='npu') * 2).sum().item())"
    assert engine.containers.run(built, ["python", "-c", use], remove=True).decode().split()[-1] == "6.0"


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("way", [(), ("--by-commit",)], ids=["build", "commit"])
def test_an_image_of_openeuler_is_adopted_with_both_ides_and_proven(
    mirror: Path, built: str, way: tuple[str, ...]
) -> None:
    with stand_in.standing_in(connect(LocalHost()), LocalHost(), "compilers") as made:
        stand_in.take_repository(made["compilers"], mirror)
        program = str(Path(sys.executable).with_name("envkit"))
        words = (program, "adopt", stand_in.IMAGE, "--tag", built, *way, "--json")
        ended = subprocess.run(words, capture_output=True, text=True, timeout=3000, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    items = json.loads(ended.stdout)["built"]["verdict"]["items"]
    assert {item["outcome"] for item in items} == {"passed", "not-applicable"}
    # Of one long line, `docker logs` (which the SDK reads) may give nothing when the container has ended.
    words = ("docker", "run", "--rm", built, "cat", "/opt/envkit/manifest.json")
    held = json.loads(subprocess.run(words, capture_output=True, check=True, timeout=120).stdout)
    assert held["os"] == "openEuler 24.03 (LTS)" and held["apt"] == {}
