"""New layers are searched while they are written: to their last byte, and under each of their names."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from envkit.errors import EngineError
from envkit.hosts.base import Command
from envkit.hosts.local import LocalHost
from envkit.probes import scan_archive
from envkit.save.findings import Found
from envkit.save.search import all_written, in_settings, search_layers
from envkit.save.values import Value
from tests.scripted_host import ScriptedHost
from tests.tars import tar_of

TOKEN = b"1d973e25a52674a08f28c4fb715c7d4dc469d87582f64916"
VALUES = (Value(name="TOKEN", bytes=TOKEN),)
RULE = "the value of TOKEN"


class ThisPython(ScriptedHost):
    """A machine whose Python is this one."""

    def stream(self, command: Command, each_line: Callable[[str], None]) -> int:
        told = json.loads(command.stdin)
        scan = scan_archive.Archive(told["plan"])
        scan.read_layers(told["plan"]["layers"])
        each_line(json.dumps(scan.report))
        return 0


def in_time(folder: Path, layers: list[bytes]) -> Found:
    """Write the layers in pieces while they are searched."""

    def write() -> None:
        for number, content in enumerate(layers, 1):
            with (folder / f"layer-{number}.tar").open("wb", buffering=0) as file:
                for at in range(0, len(content), 4000):
                    file.write(content[at : at + 4000])
        all_written(folder)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        return search_layers(ThisPython(), folder, VALUES)
    finally:
        thread.join()


def test_what_comes_while_it_is_searched_is_found_to_its_last_byte(tmp_path: Path) -> None:
    layers = [tar_of({"a": bytes(90_000), "b": TOKEN}), tar_of({"c": os.urandom(50_000) + TOKEN})]
    found = in_time(tmp_path, layers)
    assert {(one.path, one.rule, one.where) for one in found.findings} == {
        ("/b", RULE, "file"),
        ("/c", RULE, "file"),
    }
    assert (found.files, found.unread) == (3, ())


def test_no_layer_at_all_holds_nothing(tmp_path: Path) -> None:
    assert in_time(tmp_path, []) == Found()


def test_a_layer_that_breaks_off_is_never_called_clean(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="could not be searched for secrets"):
        in_time(tmp_path, [tar_of({"a": bytes(90_000)})[:50_000]])


def test_a_file_is_known_by_each_of_its_names(tmp_path: Path) -> None:
    found = in_time(tmp_path, [tar_of({"opt/kept": b"machine a login b"}, {"root/.netrc": "opt/kept"})])
    assert [(one.path, one.rule) for one in found.findings] == [("/root/.netrc", "logins (.netrc)")]


CHILD = """
import sys
sys.path.insert(0, sys.argv[1])
from envkit.probes import scan_growing
try:
    for _ in scan_growing.layers(sys.argv[2]):
        print("begun", flush=True)
except scan_growing.Abandoned:
    print("abandoned", file=sys.stderr)
"""
PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", *sys.argv[1:]], stdout=subprocess.PIPE)
child.stdout.readline()
"""


@pytest.mark.real
def test_who_searches_goes_when_who_wrote_is_gone(tmp_path: Path) -> None:
    (tmp_path / "layer-1.tar").touch()
    words = (sys.executable, "-c", PARENT, CHILD, str(Path(__file__).parents[1]), str(tmp_path))
    done = LocalHost().run(Command(words=words, timeout_s=120))
    assert (done.code, done.stderr) == (0, "abandoned\n")


def test_a_value_in_the_settings_is_named_also_in_pieces() -> None:
    assert in_settings(b'{"Cmd":["' + TOKEN + b'"]}', VALUES) == ("TOKEN",)
    assert in_settings(b'{"Cmd":["none"]}', VALUES) == ()
