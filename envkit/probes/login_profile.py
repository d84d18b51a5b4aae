"""Print the shell lines that give a login shell what every other process of the image has.

/etc/profile sets PATH anew, and a login over ssh has none of the image's variables. PATH is set; any other
variable only where it is missing, so that a value given at start wins.
"""

from __future__ import annotations

import os
import shlex

# What a build step has, and a container has otherwise or not at all.
OF_THE_BUILD = {"HOME", "HOSTNAME", "PWD", "OLDPWD", "SHLVL", "TERM", "USER", "_"}
OF_THE_BUILD |= {name + "_proxy" for name in ("http", "https", "ftp", "all", "no")}


def main() -> None:
    """Print one line for each variable, PATH first."""
    print("# What the image's other processes have; made by envkit when the image was built.")
    print(f"export PATH={shlex.quote(os.environ['PATH'])}")
    for name, value in sorted(os.environ.items()):
        if name in OF_THE_BUILD or name.lower() in OF_THE_BUILD or name == "PATH":
            continue
        print(f'[ -n "${{{name}+set}}" ] || export {name}={shlex.quote(value)}')


if __name__ == "__main__":
    main()
