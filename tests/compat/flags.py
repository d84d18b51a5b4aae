"""Tell which GPUs torch's wheels have code for: `python -m tests.compat.flags 2.13.0 2.13.0:aarch64`.

What it prints is what `envkit/compat/cuda.json` says under `architectures` and, of a wheel's CUDA, what
`torch.json` has first. A wheel is half a gigabyte or more, and is removed again.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

# The newest first: pip takes the wheel that the index has.
_TAGS = ("manylinux_2_28", "manylinux_2_17", "manylinux2014", "manylinux1")
# As the build was told (CUDA_ARCH_FLAGS), in one string of the library.
_FLAGS = re.compile(rb"sm_\d+a?(?: (?:sm|compute)_\d+a?)+")


def main() -> None:
    """Tell one line of each version that is named; `:aarch64` after it names the other machine."""
    for asked in sys.argv[1:]:
        version, _, machine = asked.partition(":")
        sys.stdout.write(f"{asked}: {look(version, machine or 'x86_64')}\n")


def look(version: str, machine: str) -> str:
    """Return the CUDA of a wheel and its flags."""
    with tempfile.TemporaryDirectory(prefix="envkit-flags-") as folder:
        platforms = [word for tag in _TAGS for word in ("--platform", f"{tag}_{machine}")]
        words = ("download", "-q", "--no-deps", "--no-cache-dir", "--only-binary", ":all:", "-d", folder)
        exact = ("--python-version", "3.11", *platforms, f"torch==={version}")
        subprocess.run((sys.executable, "-m", "pip", *words, *exact), check=True, stderr=subprocess.DEVNULL)
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            about = wheel.read("torch/version.py").decode()
            found = _FLAGS.search(wheel.read("torch/lib/libtorch_python.so"))
    cuda = re.search(r"^cuda\b[^=]*= *'([0-9.]+)'", about, re.MULTILINE)
    return f"CUDA {cuda[1] if cuda else 'none'}, {found[0].decode() if found else 'no code for GPUs'}"


if __name__ == "__main__":
    main()
