"""Import torch in the user's Python and tell which build it is; print the facts as one JSON object.

No device is needed: torch's automatic loading of other backends must be off
(TORCH_DEVICE_BACKEND_AUTOLOAD=0), since a backend such as torch_npu fails to load where its driver is absent.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
import time


def installed(package: str) -> str:
    """Return a package's version, or nothing."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def look() -> dict[str, object]:
    """Import torch, compute once, and tell its version and what it was built for."""
    try:
        import torch  # type: ignore[import-not-found, unused-ignore]  # the container has it
    except ImportError as error:
        return {"error": f"{type(error).__name__}: {error}", "packaged": installed("torch")}
    total = float((torch.arange(10.0) @ torch.ones(10)).item())
    return {
        "version": str(torch.__version__),
        "packaged": installed("torch"),
        "build": f"cu{torch.version.cuda.replace('.', '')}" if torch.version.cuda else "cpu",
        "backend": installed("torch_npu"),
        "computes": total == 45.0,
        # What torch.cuda.get_arch_list() says where a card is: "sm_80 sm_90"
        "architectures": str(getattr(getattr(torch, "_C", None), "_cuda_getArchFlags", str)() or ""),
    }


def main() -> None:
    """Print the facts."""
    began = time.monotonic()
    facts = look()
    print(json.dumps({**facts, "executable": sys.executable, "seconds": round(time.monotonic() - began, 2)}))
