"""`envkit train` on a host over SSH: the project goes there, and a line that is cut loses no output."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from envkit.engines.docker import connect
from envkit.hosts import registry
from envkit.hosts.local import LocalHost
from envkit.hosts.registry import HostEntry
from tests.real.train.conftest import LONG_S, Trainer
from tests.sshd import Sshd

pytestmark = pytest.mark.real

LINES = 60
COUNTING = f"import time\nfor n in range({LINES}):\n    print('line', n)\n    time.sleep(0.05)\n"


@pytest.fixture
def there(tmp_path: Path, image: str) -> Iterator[Trainer]:
    """What runs on the host `box`, with folders of its own."""
    one = Trainer(home=tmp_path / "home", image=image, engine=connect(LocalHost()))
    yield one
    for facts in one.engine.containers.find({"io.envkit.run": one.name}):
        one.engine.containers.remove(facts.id)


def test_a_project_goes_to_a_host_and_a_cut_line_loses_nothing(
    serve: Callable[..., Sshd],
    home: Callable[..., Path],
    there: Trainer,
    tmp_path: Path,
) -> None:
    server = serve()
    home(server)
    registry.add(HostEntry(name="box", target=server.target))
    project = tmp_path / "only here"
    project.mkdir()
    (project / "train.py").write_text(COUNTING)
    refused = there.train("--host", "box", "train.py", cwd=project)
    assert refused.code == 2 and f"but here is {project}/train.py" in refused.stderr
    assert "--sync sends the project over" in refused.stderr

    words = there.words("--host", "box", "--sync", "train.py")
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdout=pipe, stderr=pipe, cwd=project, bufsize=0) as process:
        assert process.stdout
        first = process.stdout.readline()
        cuts = [threading.Timer(after_s, server.cut) for after_s in (0.3, 1.0, 1.7)]
        for cut in cuts:
            cut.start()
        rest, stderr = process.communicate(timeout=LONG_S)
        for cut in cuts:
            cut.join()
    assert process.returncode == 0, stderr.decode()
    assert first + rest == b"".join(b"line %d\n" % number for number in range(LINES))
    assert there.end()["state"] == "finished" and there.container() is None
