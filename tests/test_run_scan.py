"""What a scan reports, one row at a time, and the near-misses that it must not report."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePath

import pytest

from envkit import compat
from envkit.errors import RunError
from envkit.run.scan import Finding, scan

TORCH = "import torch\nfrom torch import nn\nimport torch.distributed as dist\nimport os, subprocess\n"
# (accelerator, row, the line that shows it, whether it surely fails)
SHOWN = (
    ("ascend", "flash-attention", "from flash_attn import flash_attn_func", True),
    ("ascend", "xformers", "import xformers.ops as xops", True),
    ("ascend", "apex", "from apex.optimizers import FusedAdam", False),
    ("ascend", "bitsandbytes", "import bitsandbytes as bnb", False),
    ("ascend", "triton", "import triton.language as tl", False),
    ("ascend", "pynvml", "import pynvml", False),
    ("ascend", "cupy", "from numba.cuda import jit", True),
    ("ascend", "tensorrt", "import torch_tensorrt", True),
    ("ascend", "dali", "from nvidia.dali import pipeline_def", True),
    ("ascend", "transformer-engine", "import transformer_engine.pytorch as te", True),
    ("ascend", "cuda-extension", "torch.utils.cpp_extension.load(name='x', sources=[])", True),
    ("ascend", "nvidia-smi", "subprocess.check_output(['nvidia-smi', '-L'])", False),
    ("ascend", "nvidia-smi", "os.system('nvidia-smi > log')", False),
    ("ascend", "device-type", "assert x.device.type == 'cuda'", False),
    ("ascend", "device-equal", "assert x.device == torch.device('cuda:0')", False),
    ("ascend", "backend-name", "assert dist.get_backend() == 'nccl'", False),
    ("ascend", "pin-memory-device", "DataLoader(data, pin_memory_device='cuda:0')", True),
    ("ascend", "cudnn", "torch.backends.cudnn.benchmark = True", False),
    ("ascend", "cuda-version", "print(torch.version.cuda)", False),
    ("ascend", "capability", "fast = torch.cuda.get_device_capability()[0] >= 8", False),
    ("ascend", "capability", "fast = (8, 0) <= torch.cuda.get_device_capability(0)", False),
    ("ascend", "data-parallel", "model = nn.DataParallel(model)", True),
    ("ascend", "channels-last", "model.to(memory_format=torch.channels_last)", False),
    ("ascend", "float64", "x = torch.zeros(1, dtype=torch.float64)", False),
    ("ascend", "double", "x = x.double()", False),
    ("ascend", "jit-script", "model = torch.jit.script(model)", False),
    ("ascend", "compile", "model = torch.compile(model)", False),
    ("ascend", "tensor-type", "x = x.type(torch.cuda.FloatTensor)", True),
    ("ascend", "tensor-type", "x = x.type('torch.cuda.FloatTensor')", True),
    ("ascend", "default-tensor-type", "torch.set_default_tensor_type('torch.cuda.FloatTensor')", True),
    ("ascend", "isinstance-tensor", "isinstance(x, torch.cuda.FloatTensor)", False),
    ("ascend", "cuda-argument", "x = x.cuda('cuda:1')", True),
    ("ascend", "cuda-argument", "x = x.cuda(torch.device('cuda', 0))", True),
    ("ascend", "nvtx", "torch.cuda.nvtx.range_push('step')", True),
    ("ascend", "sparse", "x = torch.sparse_coo_tensor(i, v)", False),
    ("ascend", "fork", "torch.multiprocessing.set_start_method('fork')", False),
    ("ascend", "visible-devices", "os.system('CUDA_VISIBLE_DEVICES=1 python eval.py')", False),
    ("ascend", "cuda-backend", "dist.init_process_group(backend='cpu:gloo,cuda:nccl')", False),
    ("cpu", "cuda-call", "model = model.cuda()", True),
    ("cpu", "cuda-place", "x = x.to('cuda')", True),
    ("cpu", "cuda-place", "x = x.to(torch.device('cuda:0'))", True),
    ("cpu", "cuda-made", "x = torch.zeros(1, device='cuda')", True),
    ("cpu", "cuda-set", "torch.cuda.set_device(rank)", True),
    ("cpu", "nccl", "dist.init_process_group('nccl')", True),
    ("cpu", "nccl", "dist.init_process_group(backend='nccl')", True),
    ("cuda", "torch-npu", "from torch_npu.contrib import transfer_to_npu", False),
    ("cpu", "torch-npu", "import torch_npu", False),
)
# What looks like a row and is none: (accelerator, line).
NOT_SHOWN = (
    ("ascend", "assert args.device == 'cuda'"),
    ("ascend", "assert args.type == 'cuda'"),
    ("ascend", "assert args.backend == 'nccl'"),
    ("ascend", "# import flash_attn"),
    ("ascend", "print('flash_attn, nvidia-smi, nn.DataParallel')"),
    ("ascend", "from flash_attention_of_mine import attend"),
    ("ascend", "model = nn.parallel.DistributedDataParallel(model)"),
    ("ascend", "DataLoader(data, pin_memory=True)"),
    ("ascend", "x = x.cuda(1).type(torch.float32)"),
    ("ascend", "x = x.cuda(); x = x.to('cuda:0')"),
    ("ascend", "dist.init_process_group('nccl')"),
    ("ascend", "scaler = torch.cuda.amp.GradScaler()"),
    ("ascend", "torch.cuda.get_device_capability()"),
    ("ascend", "compile = re.compile(pattern); mine.jit.script(model)"),
    ("cpu", "if torch.cuda.is_available():\n    model.cuda()"),
    ("cpu", "x = x.to('cpu'); y = torch.zeros(1, device=device)"),
    ("cpu", "device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')"),
    ("cpu", "dist.init_process_group('gloo')"),
    ("cuda", "model.cuda(); import pynvml, flash_attn"),
)


def found(files: Mapping[str, str], accelerator: str) -> tuple[Finding, ...]:
    return scan(lambda path: files.get(str(path)), PurePath("/x/train.py"), accelerator)


@pytest.mark.parametrize(("accelerator", "row", "line", "fails"), SHOWN)
def test_a_row_is_reported_where_it_stands(accelerator: str, row: str, line: str, fails: bool) -> None:
    seen = [one for one in found({"/x/train.py": TORCH + line + "\n"}, accelerator) if one.id == row]
    assert [(one.file, one.line, one.fails) for one in seen] == [("train.py", 5, fails)]


@pytest.mark.parametrize(("accelerator", "line"), NOT_SHOWN)
def test_what_only_looks_like_a_row_is_not_reported(accelerator: str, line: str) -> None:
    seen = found({"/x/train.py": TORCH + line + "\n"}, accelerator)
    assert [one for one in seen if accelerator != "cpu" or one.fails] == []


def test_torch_npu_fails_beside_the_script_and_not_in_it() -> None:
    seen = found({"/x/train.py": "import torch_npu\nimport a", "/x/a.py": "import torch_npu"}, "cpu")
    assert [(one.file, one.fails) for one in seen] == [("a.py", True), ("train.py", False)]


def test_every_row_of_the_data_is_tried() -> None:
    rows = {(on, row["id"]) for row in compat.table("carry_over")["rows"] for on in row["on"]}
    assert rows == {(accelerator, row) for accelerator, row, _, _ in SHOWN}


def test_every_row_names_a_source_that_can_be_looked_up_and_its_version() -> None:
    for row in compat.table("carry_over")["rows"]:
        assert re.search(r"\d+\.\d+|@[0-9a-f]{8}", row["source"]), row["id"]


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    import flash_attn\nexcept ImportError:\n    flash_attn = None\n",
        "if fast:\n    import flash_attn\n",
    ],
)
def test_what_the_script_can_get_by_is_no_sure_failure(text: str) -> None:
    assert [(one.id, one.fails) for one in found({"/x/train.py": text}, "ascend")] == [
        ("flash-attention", False)
    ]


def test_modules_beside_the_script_are_read_too_and_installed_ones_are_not() -> None:
    files = {
        "/x/train.py": "import torch, model.net\nfrom data import load\n",
        "/x/model/__init__.py": "from . import layers\n",
        "/x/model/net.py": "from .layers import attend\n",
        "/x/model/layers.py": "import train\nimport flash_attn\n",
        "/x/data.py": "x = 1\nx.double()\n",
        "/elsewhere/model.py": "import xformers\n",
    }
    places = [(one.place, one.id) for one in found(files, "ascend")]
    assert places == [("model/layers.py:2:1", "flash-attention"), ("data.py:2:1", "double")]


def test_a_file_that_is_no_python_is_named_with_its_place() -> None:
    with pytest.raises(RunError) as caught:
        found({"/x/train.py": "import data\n", "/x/data.py": "x = (\n"}, "ascend")
    assert caught.value.what.startswith("/x/data.py:1:5: ")
