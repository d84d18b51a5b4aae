"""The run's sitecustomize, in Pythons of its own: what it chains to, hooks, carries over and redirects.

The libraries are small stand-ins here; test_carry_over.py tries the real torch_npu.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from envkit import paths

pytestmark = pytest.mark.real

LIMIT_S = 60
# What the real torch_npu 2.13 does in its import, in short; `{word}`: with or without knowing the variable.
NPU = """\
import os, sys
print("torch_npu is imported")
before = os.environ.get("TORCH_DEVICE_BACKEND_AUTOLOAD", "1")
os.environ["TORCH_DEVICE_BACKEND_AUTOLOAD"] = "0"
import torch
os.environ["TORCH_DEVICE_BACKEND_AUTOLOAD"] = before
{word}
def _autoload(): ...
"""
WORD = """\
if os.environ.get("TORCH_TRANSFER_TO_NPU") == "1":
    from torch_npu.contrib import transfer_to_npu
"""
TORCH = """\
import os, importlib.util
__all__ = ["cuda"]
cuda = "cuda"
wanted = os.environ.get("TORCH_DEVICE_BACKEND_AUTOLOAD", "1") == "1"
if {autoload} and wanted and importlib.util.find_spec("torch_npu"):
    import torch_npu
    torch_npu._autoload()
"""
MANUAL = """\
import torch
import torch_npu
from torch_npu.npu import amp
from torch_npu.contrib import transfer_to_npu
print(torch.cuda)
"""


class Folder:
    """A folder with libraries and a script, and a shim as the supervisor writes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.shim = path / "shim"
        self.shim.mkdir()
        for source in paths.probes().glob("shim_*.py"):
            shutil.copy(source, self.shim / source.name.removeprefix("shim_"))

    def write(self, name: str, text: str) -> None:
        file = self.path / "libraries" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def ascend(self, *, knows: bool, autoload: bool = True) -> None:
        self.write("torch/__init__.py", TORCH.format(autoload=autoload))
        self.write("torch_npu/__init__.py", NPU.format(word=WORD if knows else ""))
        self.write("torch_npu/npu/__init__.py", "")
        self.write("torch_npu/npu/amp/__init__.py", "")
        self.write("torch_npu/contrib/__init__.py", "")
        self.write(
            "torch_npu/contrib/transfer_to_npu.py", "import torch\nprint('transfer')\ntorch.cuda = 'npu'\n"
        )

    def python(self, script: str, *, shim: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
        file = self.path / "train.py"
        file.write_text(script)
        folders = [*([self.shim] if shim else []), self.path / "libraries"]
        given = {**env, "PYTHONPATH": os.pathsep.join(map(str, folders)), "PATH": os.environ["PATH"]}
        words = [sys.executable, str(file)]
        return subprocess.run(
            words, env=given, cwd=self.path, capture_output=True, text=True, timeout=LIMIT_S, check=False
        )

    def prints(self, script: str, *, shim: bool = True, **env: str) -> list[str]:
        done = self.python(script, shim=shim, **env)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.splitlines()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_on_cpu_and_gpu_the_modules_of_a_script_are_the_same_with_it(folder: Folder) -> None:
    folder.ascend(knows=True, autoload=False)
    script = "import sys, os, torch\nprint(*sorted(sys.modules), torch.cuda, sorted(os.environ), sep='\\n')"
    script += "\nprint([str(one).split(' at ')[0] for one in sys.meta_path], sys.argv, __file__)"
    with_it, without = folder.prints(script), folder.prints(script, shim=False)
    assert set(with_it) - set(without) <= {"sitecustomize"}
    assert set(without) - set(with_it) == set()


@pytest.mark.parametrize("knows", [True, False], ids=["knows the word", "older"])
@pytest.mark.parametrize("autoload", [True, False], ids=["autoload", "no autoload"])
@pytest.mark.parametrize(
    "script",
    ["import torch\nprint(torch.cuda)", "import torch_npu, torch\nprint(torch.cuda)", MANUAL],
    ids=["plain", "torch_npu first", "the manual's lines"],
)
def test_a_script_is_carried_over_once_whatever_torch_npu_it_is(
    folder: Folder, knows: bool, autoload: bool, script: str
) -> None:
    folder.ascend(knows=knows, autoload=autoload)
    assert folder.prints(script, ENVKIT_TRANSFER="1") == ["torch_npu is imported", "transfer", "npu"]


def test_workers_and_subprocesses_are_carried_over_too(folder: Folder) -> None:
    folder.ascend(knows=False)
    script = "import multiprocessing, subprocess, sys\n"
    script += "def work():\n    import torch\n    print(torch.cuda, flush=True)\n"
    script += "if __name__ == '__main__':\n    for way in ('fork', 'spawn'):\n"
    script += "        one = multiprocessing.get_context(way).Process(target=work); one.start(); one.join()\n"
    script += "    subprocess.run([sys.executable, '-c', 'import torch; print(torch.cuda)'], check=True)\n"
    printed = folder.prints(script, ENVKIT_TRANSFER="1")
    assert printed == ["torch_npu is imported", "transfer", "npu"] * 3


def test_a_user_who_says_no_is_heard(folder: Folder) -> None:
    folder.ascend(knows=True, autoload=False)
    env = {"ENVKIT_TRANSFER": "1", "TORCH_TRANSFER_TO_NPU": "0"}
    assert folder.prints("import torch\nprint(torch.cuda)", **env) == ["cuda"]


def test_a_script_without_torch_pays_nothing(folder: Folder) -> None:
    folder.ascend(knows=True)
    assert folder.prints("import sys\nprint('torch' in sys.modules)", ENVKIT_TRANSFER="1") == ["False"]


def test_a_run_for_ascend_does_not_train_on_a_cpu_unseen(folder: Folder) -> None:
    folder.write("torch/__init__.py", "")
    done = folder.python("import torch", ENVKIT_TRANSFER="1")
    assert done.returncode == 1
    assert "its Python has torch without torch_npu: install the torch_npu of the same version" in done.stderr


@pytest.mark.parametrize("transfer", ["", "1"])
def test_a_sitecustomize_that_is_hidden_runs_and_is_the_one_that_can_be_imported(
    folder: Folder, transfer: str
) -> None:
    folder.write("sitecustomize.py", "print('theirs')\nVALUE = 7\n")
    script = "import sitecustomize\nprint(sitecustomize.VALUE, sitecustomize.__name__)"
    assert folder.prints(script, ENVKIT_TRANSFER=transfer) == ["theirs", "7 sitecustomize"]


def test_two_runs_one_in_the_other_chain_to_no_endless_loop(folder: Folder) -> None:
    folder.write("sitecustomize.py", "print('theirs')\n")
    shutil.copytree(folder.shim, folder.path / "libraries", dirs_exist_ok=True)
    folder.write("more/sitecustomize.py", "")
    assert folder.prints("print('script')") == ["script"]


def test_what_fails_in_a_hidden_one_fails_as_without_us(folder: Folder) -> None:
    folder.write("sitecustomize.py", "import sys\nprint('theirs')\nraise ValueError('broken')\n")
    with_it, without = folder.python("print('script')"), folder.python("print('script')", shim=False)
    assert (with_it.stdout, with_it.stderr) == (without.stdout, without.stderr)
    assert "ValueError: broken" in with_it.stderr


def test_a_failure_of_ours_is_one_line_and_python_starts(folder: Folder) -> None:
    (folder.shim / "envkit_redirect.py").write_text("raise OSError('disk')")
    folder.write("sitecustomize.py", "print('theirs')\n")
    done = folder.python("print('script')", ENVKIT_MODEL_DIR="/model")
    assert (done.returncode, done.stdout) == (0, "theirs\nscript\n")
    assert done.stderr == "envkit: the run's sitecustomize: OSError: disk\n"


WRITER = """\
class SummaryWriter:
    def __init__(self, {name}=None, comment="", purge_step=None, **more):
        self.place = {name} or more.get("log_dir") or "runs/now"
"""
ASK = """\
from {module} import SummaryWriter as W
class Own(W):
    def __init__(self): super().__init__("own")
writers = W(), W(), W(None), W(comment="_lr_1"), W("a"), W({name}="b"), W(log_dir="c"), Own()
print(*[one.place for one in writers])
"""


@pytest.mark.parametrize(
    ("module", "name"), [("torch.utils.tensorboard.writer", "log_dir"), ("tensorboardX.writer", "logdir")]
)
def test_a_writer_without_a_folder_writes_into_the_run_s(folder: Folder, module: str, name: str) -> None:
    parts = module.split(".")
    for number in range(1, len(parts)):
        folder.write("/".join([*parts[:number], "__init__.py"]), "")
    folder.write("/".join(parts) + ".py", WRITER.format(name=name))
    script = ASK.format(module=module, name=name)
    own = "a b c own"
    assert folder.prints(script, ENVKIT_MODEL_DIR="/m") == [f"/m /m/2 /m/3 /m/lr_1 {own}"]
    assert folder.prints(script) == [f"runs/now runs/now runs/now runs/now {own}"]


def test_a_library_that_looks_otherwise_is_left_as_it_is(folder: Folder) -> None:
    folder.write("tensorboardX/__init__.py", "")
    folder.write("tensorboardX/writer.py", "")
    done = folder.python("import tensorboardX.writer", ENVKIT_MODEL_DIR="/m")
    assert done.returncode == 0
    assert done.stderr.startswith("envkit: tensorboardX.writer is left as it is: AttributeError: ")


TRAINER = """\
import os
class Trainer:
    def __init__(self, *, logger=None, default_root_dir=None):
        self.root = default_root_dir or "cwd"
"""


def test_lightning_s_trainer_has_the_run_s_folder_only_where_nothing_is_said(folder: Folder) -> None:
    for name in ("__init__.py", "trainer/__init__.py"):
        folder.write(f"pytorch_lightning/{name}", "")
    folder.write("pytorch_lightning/trainer/trainer.py", TRAINER)
    script = "from pytorch_lightning.trainer.trainer import Trainer as T\n"
    script += "print(*[one.root for one in (T(), T(logger=True), T(logger=False), T(default_root_dir='a'))])"
    assert folder.prints(script, ENVKIT_MODEL_DIR="/m") == ["/m /m cwd a"]
    told = {"ENVKIT_MODEL_DIR": "/m", "PL_TRAINER_DEFAULT_ROOT_DIR": "b"}
    assert folder.prints(script, **told) == ["cwd cwd cwd a"]


def test_keras_and_transformers_defaults_land_there_too(folder: Folder) -> None:
    for name in ("__init__.py", "src/__init__.py", "src/callbacks/__init__.py"):
        folder.write(f"keras/{name}", "")
    folder.write(
        "keras/src/callbacks/tensorboard.py",
        "class TensorBoard:\n    def __init__(self, log_dir='logs'): self.log_dir = log_dir\n",
    )
    folder.write("keras/src/callbacks/__init__.py", "from .tensorboard import TensorBoard")
    folder.write("transformers/__init__.py", "")
    arguments = (
        "from dataclasses import dataclass\n@dataclass\nclass TrainingArguments:\n    output_dir: str\n"
    )
    arguments += "    logging_dir: str = None\n    def __post_init__(self):\n"
    arguments += "        self.logging_dir = self.logging_dir or self.output_dir + '/runs'\n"
    folder.write("transformers/training_args.py", arguments)
    script = "import os\nfrom keras.src.callbacks import TensorBoard as T\n"
    script += "from transformers.training_args import TrainingArguments as A\n"
    script += "print(T().log_dir, T('a').log_dir, T(log_dir='b').log_dir, A('o').logging_dir,"
    script += " A('o', 'c').logging_dir, os.environ.get('TENSORBOARD_LOGGING_DIR'))"
    assert folder.prints(script, ENVKIT_MODEL_DIR="/m") == ["/m a b /m c /m"]
    assert folder.prints(script) == ["logs a b o/runs c None"]
    own = {"ENVKIT_MODEL_DIR": "/m", "TENSORBOARD_LOGGING_DIR": "/own"}
    assert folder.prints(script, **own)[0].endswith(" /own")
