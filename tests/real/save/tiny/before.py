"""What lies in the image before anything is changed."""

import os
from pathlib import Path

ROOT = Path("/srv/tree")


def write(name, text="before\n"):
    path = ROOT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


for name in ("keep", "change", "delete", "chmod", "folder/one", "folder/two", "gone/deep/file", "chown/file"):
    write(name)
for name in ("to-link", "to-folder", "anew/old", "anew/same", "mode/file", "dropped", "under/a", "under/b"):
    write(name)
for name in ("from-folder/file", "from-folder/deep/file", "moved/file", "moved/deep/file", "rewritten/file"):
    write(name)
os.link(write("hard/one"), ROOT / "hard" / "two")
os.link(ROOT / "hard" / "one", ROOT / "hard" / "three")
(ROOT / "link").symlink_to("keep")
os.mkfifo(ROOT / "pipe")
for path in (ROOT, *ROOT.rglob("*")):
    os.utime(path, (1_600_000_000, 1_600_000_000), follow_symlinks=False)
