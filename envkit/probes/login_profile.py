"""Print the shell lines that give a login shell what every other process of the image has.

/etc/profile sets PATH anew, and a login over ssh has none of the image's variables. PATH is set; any other
variable only where it is missing, so that a value given at start wins.
"""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

# What a build step has, and a container has otherwise or not at all.
OF_THE_BUILD = {"HOME", "HOSTNAME", "PWD", "OLDPWD", "SHLVL", "TERM", "USER", "_"}
OF_THE_BUILD |= {name + "_proxy" for name in ("http", "https", "ftp", "all", "no")}
OF_THE_BUILD |= {"TORCH_DEVICE_BACKEND_AUTOLOAD"}  # 0 while an image is built where no driver is
# What a vendor's own scripts set (vendor_variables.py): no ENV instruction of the build could name it.
FOUND = Path("/opt/envkit/etc/variables.json")


def main() -> None:
    """Print one line for each variable, PATH first."""
    print("# What the image's other processes have; made by envkit when the image was built.")
    variables = {**os.environ, **(json.loads(FOUND.read_text("utf-8")) if FOUND.exists() else {})}
    print(f"export PATH={shlex.quote(variables['PATH'])}")
    for name, value in sorted(variables.items()):
        if name in OF_THE_BUILD or name.lower() in OF_THE_BUILD or name == "PATH":
            continue
        print(f'[ -n "${{{name}+set}}" ] || export {name}={shlex.quote(value)}')


if __name__ == "__main__":
    main()
