"""Name packages in ~/.local that hide the image's: sent to the user's Python in a container, over stdin."""

import sys

sys.path[:] = [path for path in sys.path if path]  # a json.py in the folder we start in is not the library's

import json  # noqa: E402
import re  # noqa: E402
import site  # noqa: E402
from importlib import metadata  # noqa: E402


def packages(folders: list[str]) -> dict[str, str]:
    """Return what is installed in some folders: name → version."""
    found = metadata.distributions(path=folders)
    named = ((one.metadata["Name"], one.version) for one in found)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in named if name}


def main() -> None:
    """Print the shadows: name, the version that hides, the version that is hidden."""
    own = site.getusersitepackages()
    theirs = packages([own]) if site.ENABLE_USER_SITE and own in sys.path else {}
    images = packages([path for path in sys.path if path != own]) if theirs else {}
    shadows = [[name, theirs[name], images[name]] for name in sorted(theirs) if name in images]
    sys.stdout.write(json.dumps({"folder": own, "shadows": shadows}) + "\n")


main()
