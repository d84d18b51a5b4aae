"""The reader: text stays what was written; what is too large, too deep or wrongly encoded is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from envkit import paths
from envkit.errors import SpecError
from envkit.spec.load import load
from envkit.spec.model import CodeServer, Spec
from envkit.spec.source import nearest, place_of, value_of, walk
from envkit.spec.yaml_reader import MOST_BYTES, MOST_VALUES, read


def refused(data: bytes) -> SpecError:
    with pytest.raises(SpecError) as raised:
        read("spec.yaml", data)
    return raised.value


def loaded(text: str, folder: Path) -> Spec:
    (folder / "envkit.yaml").write_text(text, "utf-8")
    return load(folder, paths.presets()).spec


@pytest.mark.parametrize(
    "written",
    [
        "3.10",
        "22:22",
        "NO",
        "0755",
        "yes",
        "on",
        "null",
        "~",
        "1e3",
        "0x1F",
        "1_000",
        "2026-11-24",
        ".5",
        "true",
        "=",
    ],
)
def test_a_scalar_stays_what_was_written(written: str) -> None:
    assert value_of(read("spec.yaml", f"a: {written}\nb: [{written}]".encode())) == {
        "a": written,
        "b": [written],
    }


def test_a_value_of_the_environment_stays_what_was_written(tmp_path: Path) -> None:
    env = loaded("name: x\nenv: {A: 3.10, B: 22:22, C: NO, D: 0755, E: null, F: '', G: 1e3}\n", tmp_path).env
    assert dict(env) == {"A": "3.10", "B": "22:22", "C": "NO", "D": "0755", "E": "null", "F": "", "G": "1e3"}


def test_a_version_needs_no_quotes(tmp_path: Path) -> None:
    spec = loaded("name: x\npython: 3.10\ntorch: 2.10.0\naccelerator: cuda\ncuda: 12.8\n", tmp_path)
    assert (spec.python, spec.torch, spec.cuda) == ("3.10", "2.10.0", "12.8")


def test_a_name_may_look_like_a_number(tmp_path: Path) -> None:
    assert loaded("name: 0123\n", tmp_path).name == "0123"


def test_settings_get_the_types_of_yaml_1_2(tmp_path: Path) -> None:
    settings = "{a: true, b: NO, c: 1, d: 1.5, e: null, f: '1', g: [0755, 0o17, 22:22], h: {i: }, j: -2e3}"
    spec = loaded(f"name: x\nide: {{code_server: {{settings: {settings}}}}}\n", tmp_path)
    assert isinstance(spec.ide.code_server, CodeServer)
    assert json.loads(spec.ide.code_server.settings or "") == {
        **{"a": True, "b": "NO", "c": 1, "d": 1.5, "e": None, "f": "1"},
        **{"g": ["0755", "0o17", "22:22"], "h": {"i": None}, "j": -2000.0},
    }


def test_the_same_settings_in_another_order_are_the_same_spec(tmp_path: Path) -> None:
    one = loaded("name: x\nide: {jupyterlab: {settings: {a: 1, b: 2}}}\n", tmp_path)
    two = loaded("name: x\nide: {jupyterlab: {settings: {b: 2, a: 1}}}\n", tmp_path)
    assert one == two
    assert hash(one) == hash(two)


def test_every_key_and_value_knows_its_place() -> None:
    tree = read("spec.yaml", b"name: x\nenv:\n  A: 1\napt: [git,\n  tmux]\n")
    assert str(place_of(tree, ("env", "A"))) == "spec.yaml:3:6"
    assert str(place_of(tree, ("env", "A"), key=True)) == "spec.yaml:3:3"
    assert str(place_of(tree, ("apt", 1))) == "spec.yaml:5:3"
    assert all(nearest(tree, path) is node for path, node in walk(tree))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xff\xfen\x00a\x00", "begins with UTF-16"),
        (b"\xfe\xff\x00n", "begins with UTF-16"),
        (b"\xef\xbb\xbfname: x", "begins with a byte order mark"),
        (b"name: x\nenv: {A: \xff}", "spec.yaml:2:10: the file is not UTF-8 (byte 0xff)"),
        ("name: é".encode("latin-1"), "spec.yaml:1:7: the file is not UTF-8 (byte 0xe9)"),
        (b"name: \xed\xa0\x80", "spec.yaml:1:7: the file is not UTF-8"),
        (b"name: x\x00", "the character U+0000"),
        ("name: a\ufeffb".encode(), "the character U+FEFF"),
        (b"n\x00a\x00m\x00e\x00", "the character U+0000"),
    ],
)
def test_another_encoding_is_refused(data: bytes, words: str) -> None:
    assert words in refused(data).what


def test_line_ends_of_windows_are_read() -> None:
    tree = read("spec.yaml", b"name: x\r\nbase: debian:12\r\n")
    assert value_of(tree) == {"name": "x", "base": "debian:12"}
    assert str(place_of(tree, ("base",))) == "spec.yaml:2:7"


def test_a_large_file_is_refused_before_it_is_read() -> None:
    # Were it read, the tab would be told.
    assert "larger than 1048576 bytes" in refused(b"\t" * (MOST_BYTES + 1)).what


def test_many_values_are_refused() -> None:
    assert "more than 10000 values" in refused(b"a: [" + b"x," * MOST_VALUES + b"]").what


def test_as_many_values_as_allowed_are_read() -> None:
    # The mapping, its key and the list itself count too.
    tree = read("spec.yaml", b"a: [" + b"x," * (MOST_VALUES - 3) + b"]")
    assert sum(1 for _ in walk(tree)) == MOST_VALUES - 1


def test_twenty_levels_are_read_and_one_more_is_refused() -> None:
    assert read("spec.yaml", b"a: " + b"[" * 19 + b"]" * 19)
    assert "more than 20 levels" in refused(b"a: " + b"[" * 20 + b"]" * 20).what


def test_everything_that_is_refused_in_a_file_is_told_at_once() -> None:
    error = refused(b"a: &x 1\nb: *x\nc: !!int 1\na: 2\n<<: 3\n")
    assert error.what.startswith("5 mistakes in spec.yaml\n")
    assert error.fix == "correct these 5 mistakes in spec.yaml; nothing was done yet"
