"""An Ascend image, really built on a stand-in CANN and proven: the real torch_npu runs in every place."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container

from envkit import paths
from envkit.engines.docker import connect
from envkit.engines.values import BuildRequest
from envkit.hosts.local import LocalHost
from envkit.probes import verify_jupyter
from envkit.probes.verify_net import TEXT, Door, WebSocket, ask
from tests.names import fresh
from tests.npu_sim.base import REFERENCE

pytestmark = pytest.mark.real

HERE = Path(__file__).parent
LIMIT_S = 240.0
# What belongs to one place and not to the image: of shells and terminals, of Jupyter, of this environment,
# and of Python itself, which sets LC_CTYPE where no locale is set (PEP 538).
OF_THE_PLACE = re.compile(
    r"_|PWD|OLDPWD|SHLVL|TERM|HOSTNAME|LC_CTYPE|PS1|LINES|COLUMNS|PYXTERM_DIMENSIONS|PAGER|GIT_PAGER|CLICOLOR\w*|FORCE_COLOR|MPLBACKEND"
    r"|(JPY|JUPYTER|ENVKIT|PYDEVD|SUPERVISOR)_?\w*"
)


def run(client: docker.DockerClient, image: str, *words: str) -> dict[str, object]:
    """Run a command in a container with this folder; return what it found."""
    volumes = [f"{HERE}:/tests:ro"]
    printed = client.containers.run(image, [*words], volumes=volumes, remove=True, stderr=True).decode()
    line = next((line for line in printed.splitlines() if line.startswith("found ")), None)
    assert line, printed
    found: dict[str, object] = json.loads(line.removeprefix("found "))
    return found


@dataclass(frozen=True, kw_only=True)
class Place:
    """A running environment of the image: what its JupyterLab answers to, and its container."""

    jupyter: verify_jupyter.Jupyter
    container: Container
    home: Path


@pytest.fixture
def place(engine: docker.DockerClient, ascend_image: str, envkit, tmp_path: Path) -> Iterator[Place]:
    name = fresh("test-ascend")
    home, cache = tmp_path / "home", tmp_path / "cache"
    home.mkdir()
    cache.mkdir()
    (home / "look.py").write_text((HERE / "look.py").read_text())
    folders = ("--home", str(home), "--cache", str(cache))
    try:
        words = ("up", ascend_image, "--device", "cpu", "--name", name, *folders, "--json", "--show-token")
        opened = json.loads(envkit(*words))
        found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)(/.*)/login\?.*", opened["urls"]["jupyterlab"])
        assert found, opened
        yield Place(
            jupyter=verify_jupyter.Jupyter(Door(port=int(found[1])), found[2] + "/", opened["token"]),
            container=engine.containers.get(f"envkit-{name}"),
            home=home,
        )
    finally:
        envkit("rm", name, "--yes")


def in_a_kernel(jupyter: verify_jupyter.Jupyter) -> str:
    door = jupyter.with_token()
    started = ask(door, f"{jupyter.base}api/kernels", method="POST", body=b"{}", timeout_s=LIMIT_S)
    channels = f"{jupyter.base}api/kernels/{json.loads(started.body)['id']}/channels"
    return verify_jupyter.run_cell(door, channels, "exec(open('/work/home/look.py').read())")


def in_a_terminal(jupyter: verify_jupyter.Jupyter) -> str:
    door = jupyter.with_token()
    started = ask(door, f"{jupyter.base}api/terminals", method="POST", body=b"{}", timeout_s=LIMIT_S)
    websocket = WebSocket(door, f"{jupyter.base}terminals/websocket/{json.loads(started.body)['name']}")
    try:
        # The shell computes the mark, so that the echo of what is typed is not taken for it.
        websocket.send(json.dumps(["stdin", "python look.py; echo ended-$((6*7))\r"]).encode(), TEXT)
        return verify_jupyter.read_terminal(websocket, "ended-42")
    finally:
        websocket.close()


def test_the_real_torch_npu_computes_trains_and_saves(engine: docker.DockerClient, ascend_image: str) -> None:
    found = run(engine, ascend_image, "python", "/tests/use_a_card.py", "/tmp")
    assert found["devices"] == [2, "Ascend910B2", 2**30]
    assert max(found["matmul"], found["convolution"], found["attention"]) < 1e-5
    assert found["autocast"] == {"type": "torch.bfloat16", "place": "npu:0"}
    assert found["pinned"] == {"pinned": True, "same": True}
    losses = found["losses"]
    assert losses["card"] == pytest.approx(losses["cpu"], abs=1e-5)
    assert losses["card"] == pytest.approx(losses["again"], abs=1e-5)
    assert losses["card"][-1] < losses["card"][0]
    assert found["checkpoint"] == {"same": True, "places": ["cpu", "npu:1"]}
    assert "NPU out of memory" in found["too much"]
    assert "two devices, npu:0 and npu:1!" in found["two cards"]
    assert "Invalid device ID" in found["no such card"]


def test_two_processes_add_up_over_hccl_and_train_together(
    engine: docker.DockerClient, ascend_image: str
) -> None:
    found = run(engine, ascend_image, "torchrun", "--nproc_per_node", "2", "/tests/reduce.py")
    kinds = ("float32", "bfloat16", "float16", "int64")
    assert found == {"sums": {f"torch.{kind}": [3] for kind in kinds}, "ranks": 2, "same": True}


def test_every_place_has_the_same_environment_and_runs_on_the_card(
    place: Place, engine: docker.DockerClient, ascend_image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify_jupyter, "FIRST_WORD_S", LIMIT_S)
    user = place.container.attrs["Config"]["User"]
    volumes = [f"{place.home}:/work/home"]
    again = {"volumes": volumes, "user": user, "group_add": ["0"], "remove": True}
    script = "/work/home/look.py"
    printed = {
        "kernel": in_a_kernel(place.jupyter),
        "terminal": in_a_terminal(place.jupyter),
        "exec": place.container.exec_run(["python", script]).output.decode(),
        "login shell": place.container.exec_run(["bash", "-lc", f"python {script}"]).output.decode(),
        "run": engine.containers.run(ascend_image, ["python", script], **again).decode(),
    }
    found = {name: verify_jupyter.marked(text) for name, text in printed.items()}
    assert None not in found.values(), printed
    used = {name: (seen["cards"], seen["doubled"]) for name, seen in found.items()}
    assert used == dict.fromkeys(found, (2, [2.0, 2.0, 2.0]))
    environments = {
        name: {key: value for key, value in seen["env"].items() if not OF_THE_PLACE.fullmatch(key)}
        for name, seen in found.items()
    }
    assert environments == dict.fromkeys(found, environments["run"])


def test_what_cann_s_scripts_set_is_there_beside_what_the_base_had(
    engine: docker.DockerClient, ascend_image: str
) -> None:
    base = dict(entry.split("=", 1) for entry in engine.images.get(REFERENCE).attrs["Config"]["Env"])
    env = dict(entry.split("=", 1) for entry in engine.images.get(ascend_image).attrs["Config"]["Env"])
    toolkit = "/usr/local/Ascend/cann-9.1.0"
    assert env["ASCEND_OPP_PATH"] == f"{toolkit}/opp"
    assert env["ATB_HOME_PATH"].endswith("/cxx_abi_1")
    assert env["LCCL_DETERMINISTIC"] == "1", "the spec's own value counts more than the script's"
    libraries = env["LD_LIBRARY_PATH"].split(":")
    assert f"{toolkit}/lib64" in libraries
    assert not [path for path in libraries if path.endswith("/devlib")]
    assert libraries[-3:] == base["LD_LIBRARY_PATH"].rstrip(":").split(":")
    for name in ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "CMAKE_PREFIX_PATH"):
        elements = env[name].split(":")
        assert "" not in elements and len(elements) == len(set(elements)), (name, env[name])
    assert env["PATH"].startswith("/opt/venv/bin:")
    assert "TORCH_DEVICE_BACKEND_AUTOLOAD" not in env


def test_who_builds_by_hand_gives_an_image_the_same_variables(
    engine: docker.DockerClient, ascend_image: str, tmp_path: Path
) -> None:
    def read(name: str) -> bytes:
        path = f"/opt/envkit/etc/variables.{name}"
        content: bytes = engine.containers.run(ascend_image, ["cat", path], remove=True)
        return content

    (tmp_path / "Dockerfile").write_bytes(read("Dockerfile"))
    request = BuildRequest(context=tmp_path, build_args={"IMAGE": REFERENCE})
    built = connect(LocalHost()).builder.build(request, lambda event: None)
    by_hand = dict(entry.split("=", 1) for entry in engine.images.get(built).attrs["Config"]["Env"])
    env = dict(entry.split("=", 1) for entry in engine.images.get(ascend_image).attrs["Config"]["Env"])
    set_there = json.loads(read("json"))
    assert "ASCEND_OPP_PATH" in set_there
    assert "LCCL_DETERMINISTIC" not in set_there, "the spec's own value is left alone"
    assert {name: by_hand[name] for name in set_there} == set_there == {name: env[name] for name in set_there}


def test_the_user_s_python_sees_what_the_operator_compiler_needs_of_the_base_s(
    engine: docker.DockerClient, ascend_image: str
) -> None:
    show = "import attr, decorator, sys; print(sys.prefix, sys.base_prefix, attr.__file__)"
    seen = engine.containers.run(ascend_image, ["python", "-c", show], remove=True).decode().split()
    own = "/usr/local/python3.11.2"
    assert seen == ["/opt/venv", own, f"{own}/lib/python3/dist-packages/attr/__init__.py"]


def test_a_base_without_cann_is_refused_with_a_sentence(debian: str) -> None:
    script = paths.templates() / "ascend" / "variables.sh"
    words = ["docker", "run", "--rm", "--interactive", debian, "bash"]
    ended = subprocess.run(
        words, input=script.read_bytes(), capture_output=True, timeout=LIMIT_S, check=False
    )
    said = b"envkit: there is no CANN in this base: no set_env.sh below /usr/local/Ascend\n"
    assert (ended.returncode, ended.stderr) == (1, said)


def test_a_machine_without_npus_refuses_to_start_it_on_one(ascend_image: str) -> None:
    program = str(Path(sys.executable).with_name("envkit"))
    words = [program, "up", ascend_image, "--device", "ascend", "--name", fresh("test-ascend")]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert (ended.returncode, ended.stdout) == (7, "")
    assert "this machine has no ascend card" in ended.stderr
