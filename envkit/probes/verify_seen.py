"""Print, as one JSON object, what a process of the image sees; run by path in every place a user can stand.

The kernel reads and executes this very file, so it stands alone.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

# What the base's own scripts set, where the build ran them (vendor_variables.py).
VENDOR = Path("/opt/envkit/etc/variables.json")


def look() -> dict[str, object]:
    """Tell which Python this is and in which environment it runs; values that may be secret stay out."""
    secret = ("TOKEN", "PASSWORD", "SECRET", "KEY")
    return {
        "executable": sys.executable,
        "prefix": sys.prefix,
        "version": ".".join(str(number) for number in sys.version_info[:2]),
        "python": shutil.which("python") or "",
        "env": {name: text for name, text in os.environ.items() if not any(word in name for word in secret)},
        "vendor": vendor(),
        "uid": os.getuid(),
        "gid": os.getgid(),
    }


def vendor() -> dict[str, str]:
    """Return what the image's environment should hold of the base's own scripts."""
    try:
        told = json.loads(VENDOR.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: value for name, value in told.items() if isinstance(value, str)}


print("envkit-seen " + json.dumps(look()), flush=True)
