"""Say what a Python is, for `envkit adopt`: sent over stdin to an image's own. Python 3.6 and newer.

Arguments: folders of packages that whoever runs it must be able to read; without, it says which it searches.
"""

import json
import os
import sys
from typing import Any, Dict, List

_ROOT_GROUP, _OTHERS = 0o010, 0o001  # who may pass a folder


def main() -> None:
    """Print one line of JSON."""
    base = getattr(sys, "_base_executable", "")
    folders = sys.argv[1:] or searched()
    interpreter = base if base and os.path.exists(base) else os.path.realpath(sys.executable)
    said = {
        "version": "%d.%d" % sys.version_info[:2],
        "implementation": sys.implementation.name,
        "program": sys.executable,
        "interpreter": interpreter,
        "folders": folders,
        "unreadable": [path for path in folders if not os.access(path, os.R_OK | os.X_OK)],
        "closed": closed([sys.executable, os.path.realpath(interpreter), *folders]),
    }
    print("envkit-python " + json.dumps({**said, **torch(folders)}))


def searched() -> List[str]:
    """Return the folders of packages; what PYTHONPATH names stays in that variable."""
    named = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    kinds = ("site-packages", "dist-packages")
    found = [path for path in sys.path if os.path.basename(path) in kinds and path not in named]
    return [path for path in found if os.path.isdir(path)]


def closed(paths: List[str]) -> Dict[str, str]:
    """Return the folders above some paths that a stranger of group 0 cannot pass: path → who is to pass."""
    found = {}
    for path in paths:
        while path not in ("", "/"):
            path = os.path.dirname(path)
            about = os.stat(path)
            if not about.st_mode & (_ROOT_GROUP if about.st_gid == 0 else _OTHERS):
                found[path] = "g" if about.st_gid == 0 else "o"
    return found


def torch(folders: List[str]) -> Dict[str, Any]:
    """Return what its files say of torch: nothing is imported, a card's torch may need a driver for that."""
    said: Dict[str, Any] = {}
    for folder in folders:
        place = os.path.join(folder, "torch", "version.py")
        if "torch" not in said and os.access(place, os.R_OK):
            names: Dict[str, Any] = {}
            with open(place) as file:
                exec(file.read(), names)
            said.update(torch=str(names.get("__version__", "")), cuda=names.get("cuda"))
        if os.path.isdir(os.path.join(folder, "torch_npu")):
            said["npu"] = True
    return said


main()
