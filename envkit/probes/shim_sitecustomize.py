"""A run's `sitecustomize`: Python imports it before the script, and it brings in what the run asks for.

The supervisor puts `shim_*.py` into a folder that is first on PYTHONPATH, without `shim_`. So it is there in
every Python of the run: ranks, DataLoader workers, subprocesses. A `sitecustomize` that would have been found
without it runs after it. Whatever of this fails is one line on stderr: Python starts all the same.
Standard library only, Python 3.8 and newer.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # typing's own would be an import more in every Python of the run
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from typing import Optional


def bring_in() -> None:
    """Install what the run's environment asks for; nothing is imported for it now."""
    if os.environ.get("ENVKIT_TRANSFER") == "1":
        import envkit_transfer

        envkit_transfer.install()
    elif os.environ.get("ENVKIT_NO_NPU"):
        import envkit_no_npu

        envkit_no_npu.install(os.environ["ENVKIT_NO_NPU"])
    if os.environ.get("ENVKIT_MODEL_DIR"):
        import envkit_redirect

        envkit_redirect.install(os.environ["ENVKIT_MODEL_DIR"])


def hidden() -> Optional[ModuleSpec]:
    """Find the `sitecustomize` that this one hides; a folder of ours, of any run, is not looked into."""
    everything = list(sys.path)
    sys.path[:] = [
        folder for folder in everything if not os.path.isfile(os.path.join(folder, "envkit_hooks.py"))
    ]
    try:
        for finder in sys.meta_path:
            spec = finder.find_spec("sitecustomize", None)
            if spec is not None:
                return spec
        return None
    finally:
        sys.path[:] = everything


def chain() -> None:
    """Run the hidden one in this one's place: `import sitecustomize` returns it; its errors are its own."""
    spec = hidden()
    if spec is None or spec.loader is None:
        return
    from importlib.util import module_from_spec

    module = module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


if __name__ == "sitecustomize":
    try:
        bring_in()
    except Exception as error:  # noqa: BLE001  Python must start whatever happens here
        sys.stderr.write("envkit: the run's sitecustomize: %s: %s\n" % (type(error).__name__, error))
    chain()
