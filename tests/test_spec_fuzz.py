"""Whatever stands in a file, only a spec or a `SpecError` comes out, soon and safe to print."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from envkit import paths
from envkit.errors import SpecError
from envkit.spec.load import load
from envkit.spec.model import Spec
from envkit.spec.scalars import typed
from envkit.spec.source import value_of
from envkit.spec.yaml_reader import read

CPU = (paths.presets() / "cpu.yaml").read_text("utf-8")

# No deadline for one example: the machine may be loaded. The tests' time-outs bound them all.
quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
pytestmark = pytest.mark.timeout(120)

KEYS = st.sampled_from(
    [
        *(
            "name",
            "extends",
            "base",
            "os",
            "accelerator",
            "python",
            "torch",
            "torch_npu",
            "cuda",
            "apt",
            "pip",
            "env",
        ),
        *(
            "ide",
            "services",
            "user",
            "steps",
            "template",
            "labels",
            "packages",
            "files",
            "requirements",
            "wheels",
        ),
        *(
            "jupyterlab",
            "code_server",
            "version",
            "settings",
            "source",
            "extensions",
            "id",
            "vsix",
            "optional",
        ),
        *("run", "copy", "to", "script", "uid", "gid", "on", "off", "[key]", "sha256", "file", "own_door"),
    ]
)
WORDS = st.sampled_from(
    [
        *(
            "preset:cpu",
            "debian:12",
            "cpu",
            "cuda",
            "3.11",
            "2.13.0",
            "true",
            "false",
            "null",
            "auto",
            "script",
            "x",
        ),
        *(
            "../x",
            "/x",
            "a.b",
            "numpy>=2",
            "numpy @ file:///x",
            "torch",
            "envkit.yaml",
            "a.vsix",
            ".",
            "",
            "0",
            "1000",
        ),
    ]
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    WORDS | st.text(max_size=30) | st.booleans() | st.integers() | st.floats() | st.none(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=9), inner, max_size=5)
    ),
    max_leaves=25,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


def attempt(folder: Path, data: bytes) -> Spec | None:
    """Load the bytes; anything but a spec and a `SpecError` fails the test."""
    path = folder / "envkit.yaml"
    path.write_bytes(data)
    try:
        spec = load(path, paths.presets()).spec
    except SpecError as error:
        text = error.what.replace("\n", "") + error.fix
        assert all(letter.isprintable() for letter in text), ascii(text)
        text.encode("utf-8")
        assert str(path) in error.what
        return None
    assert Spec.model_validate(spec.model_dump(by_alias=True)) == spec
    assert {type(text) for text in texts(spec.model_dump(mode="json"))} <= {str}
    return spec


@quick
@given(st.binary(max_size=400))
@example(b"\xef\xbb\xbf")
@example(b'"\\U00110000"')
@example(b"%YAML 1." + b"9" * 5000 + b"\n---\na: 1")
@example(b"? " * 300)
@example(b"- " * 300)
@example(b"a: |1\n  x\n")
@example(b"a: !<\xc3\xa9> b")
def test_any_bytes(folder: Path, data: bytes) -> None:
    attempt(folder, data)


@quick
@given(st.text(alphabet=st.sampled_from(list("ab:-?[]{}'\"#&*!|>%@`,\\ \n\t~=<.0é\x85\u2028")), max_size=60))
def test_any_text_of_what_matters_in_yaml(folder: Path, text: str) -> None:
    attempt(folder, text.encode())


@quick
@given(VALUES, st.booleans())
def test_any_values_at_any_keys(folder: Path, value: object, flow: bool) -> None:
    dumped = yaml.safe_dump(value, allow_unicode=True, default_flow_style=flow)
    attempt(folder, dumped.encode("utf-8", errors="replace"))


@quick
@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_any_values_at_known_keys(folder: Path, value: dict[str, object]) -> None:
    dumped = yaml.safe_dump({"name": "x", **value}, allow_unicode=True)
    attempt(folder, dumped.encode("utf-8", errors="replace"))


@quick
@given(st.data())
def test_a_preset_with_any_change(folder: Path, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(CPU)))
    cut = data.draw(st.integers(0, 12))
    put = data.draw(
        st.text(max_size=4) | st.sampled_from([": ", "- ", "\n", "\n  ", "]", "{", "'", "#", "&a ", "null"])
    )
    attempt(folder, (CPU[:at] + put + CPU[at + cut :]).encode("utf-8", errors="replace"))


@quick
@given(VALUES)
def test_any_value_for_the_model(value: object) -> None:
    try:
        Spec.model_validate(value)
    except ValueError as error:
        assert str(error)


@quick
@given(st.dictionaries(st.text(max_size=8), VALUES, min_size=1, max_size=4))
def test_what_is_read_as_json_is_what_json_says(value: dict[str, object]) -> None:
    """JSON is YAML: every text in quotes comes back as it was."""
    try:
        text = json.dumps(value, allow_nan=False)
        tree = read("spec.yaml", text.encode())
    except (ValueError, SpecError):
        return
    assert texts(typed(value_of(tree))) == texts(value)


def texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in (key, *texts(item))]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize(
    "data",
    [
        b"a: " + b"x" * 1_000_000,
        b"#" * 1_000_000,
        b"\n" * 1_000_000,
        b"a: '" + b"''" * 500_000,
        b"a: [" + b"[]," * 300_000,
        b"[" * 1_000_000,
        b"{" * 1_000_000,
        b"? " * 500_000,
        b"- " * 500_000,
        b"a: &a [*a" + b",*a" * 300_000,
        b"".join(b"k%d: v\n" % n for n in range(90_000)),
        b"name: x\npip: [" + b"a;" * 400 + b"]",
        b"name: x\npip: ['" + b"(" * 900 + b"']",
        b"name: " + b"a-" * 30 + b"!",
        b"name: x\nbase: " + b"a." * 200 + b"!:1",
        b"name: x\nlabels: {" + b"a." * 90 + b"!: b}",
    ],
    ids=lambda data: repr(data[:12]),
)
@pytest.mark.timeout(20)
def test_a_hostile_file_is_refused_soon(data: bytes, folder: Path) -> None:
    assert attempt(folder, data) is None
