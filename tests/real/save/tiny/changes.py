"""What a container does to its files: one of each kind that a layer can tell, and of those it cannot."""

import os
import shutil
import socket
import struct
from pathlib import Path

ROOT = Path("/srv/tree")
# struct vfs_ns_cap_data of linux/capability.h, version 2: cap_net_bind_service, permitted and effective.
CAPABILITY = struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0)


def add(name, text="added\n", mode=0o644):
    path = ROOT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


(ROOT / "change").write_text("changed\n")
(ROOT / "delete").unlink()
(ROOT / "chmod").chmod(0o600)
shutil.rmtree(ROOT / "gone")
os.chown(ROOT / "chown", 1234, 4321)  # the engine's own list does not have it
(ROOT / "mode").chmod(0o2770)
for name in ("to-link", "to-folder"):
    (ROOT / name).unlink()
(ROOT / "to-link").symlink_to("/etc/passwd")
add("to-folder/inside")
shutil.rmtree(ROOT / "from-folder")
add("from-folder")
shutil.rmtree(ROOT / "anew")
add("anew/same", "before\n")
add("anew/new")
shutil.move(ROOT / "moved", ROOT / "arrived")
with (ROOT / "rewritten" / "file").open("r+") as file:
    file.write("BEFORE")
os.utime(ROOT / "rewritten" / "file", (1_600_000_000, 1_600_000_000))  # of the same size and time
os.link(ROOT / "hard" / "one", ROOT / "hard" / "four")
(ROOT / "hard" / "two").unlink()
os.link(add("links/b"), ROOT / "links" / "a")
(ROOT / "links" / "deep").mkdir()
os.link(ROOT / "links" / "b", ROOT / "links" / "deep" / "c")
os.link(ROOT / "pipe", ROOT / "pipe-too")

os.setxattr(add("capability", mode=0o755), "security.capability", CAPABILITY)
os.setxattr(add("attribute"), "user.mine", b"\x00\xff")
add("setuid", mode=0o4755)
add("setgid", mode=0o2755)
(ROOT / "sticky").mkdir()
(ROOT / "sticky").chmod(0o1777)
os.mkfifo(ROOT / "new-pipe", 0o622)
os.mknod(ROOT / "null", 0o20666, os.makedev(1, 3))
os.mknod(ROOT / "loop", 0o60660, os.makedev(7, 129))
with socket.socket(socket.AF_UNIX) as listening:
    listening.bind(str(ROOT / "socket"))
os.truncate(add("sparse", ""), 3 << 20)
os.chown(add("nobody"), 4_000_000_000, 3_999_999_999)
for name in (b"\xff\xfe", b"new\nline", b"tab\t", "日本".encode(), b"-rf", b"*", b" ", b"x" * 255):
    (ROOT / os.fsdecode(b"names-" + name[:249])).write_text("named\n")
deep = ROOT / "/".join(["d" * 100] * 5)
deep.mkdir(parents=True)
(deep / "file").write_text("deep\n")
(ROOT / "far-link").symlink_to("x" * 2000)
for when in (-1_000_000_000, 0, 1, 8_589_934_592, 15_000_000_000):
    os.utime(add(f"when/{when}"), (when, when))
(ROOT / "dropped").write_text("never saved\n")
add("dropped-folder/in/it")
add("secret", "password=hunter2\n", 0o640)
add("empty", "")
add("same-name/same-name/same-name")
(ROOT / "link").unlink()
(ROOT / "link").symlink_to("change")
