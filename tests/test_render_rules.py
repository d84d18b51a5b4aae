"""What holds for every rendered Dockerfile, whatever the spec."""

from __future__ import annotations

import json
import re

import pytest

from envkit import compat
from envkit.plan.facts import ContextFile
from tests.renderings import Instruction, everything, instructions, texts

pytestmark = pytest.mark.parametrize("name", texts())

PATHS = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "MANPATH", "PKG_CONFIG_PATH", "NODE_PATH")
SECRET = re.compile(r"TOKEN|PASSW|SECRET|CREDENTIAL|API_?KEY|_auth|proxy", re.IGNORECASE)


def of(name: str, *kinds: str) -> list[Instruction]:
    return [one for one in instructions(texts()[name]) if one.name in kinds]


def variables(one: Instruction) -> dict[str, str]:
    """Return what an ENV or ARG sets."""
    pairs = re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)', one.value)
    return {key: value.strip('"') for key, value in pairs}


def file_of(name: str, path: str) -> bytes:
    found = {file.name: file for file in everything()[name].files}[path]
    assert isinstance(found, ContextFile) and isinstance(found.content, bytes)
    return found.content


def test_no_image_is_called_latest_and_every_one_is_fixed(name: str) -> None:
    assert ":latest" not in texts()[name]
    stages: set[str] = set()
    for one in of(name, "FROM"):
        image, stage = re.fullmatch(r"(\S+) AS (\S+)", one.value).groups()  # type: ignore[union-attr]  # a failure says so
        assert image in stages or ":" in image or "@sha256:" in image
        stages.add(stage)


def test_the_frontend_is_the_engine_s_own(name: str) -> None:
    assert not re.search(r"^\s*#\s*(syntax|escape|check)\s*=", texts()[name], re.MULTILINE | re.IGNORECASE)


def test_no_secret_and_no_proxy_is_an_argument_or_a_variable(name: str) -> None:
    names = [key for one in of(name, "ARG", "ENV") for key in variables(one)]
    assert names and not [key for key in names if SECRET.search(key)]
    assert not [one for one in of(name, "ARG", "ENV") if re.search(r"//[^/\s]*@", one.value)]


def test_nothing_changes_owners_of_a_tree_and_nothing_is_a_volume(name: str) -> None:
    assert not re.search(r"chown\s+(-\w*R|--recursive)", texts()[name])
    assert not of(name, "VOLUME", "ONBUILD", "MAINTAINER", "ADD")


def test_what_reaches_the_network_is_a_package_tool_or_a_program_of_ours(name: str) -> None:
    addresses = set(re.findall(r"https?://\S+", " ".join(one.value for one in of(name, "RUN"))))
    assert all(address.startswith(compat.table("torch")["index"]) for address in addresses)
    fetching = re.compile(r"(?:^|[;&|(])\s*(?:\w+=\S+\s+)*(?:curl|wget|git|npm|npx|pip)\s")
    assert not [one for one in of(name, "RUN") if fetching.search(one.value)]


def test_the_tools_are_installed_by_hash_or_with_a_warning(name: str) -> None:
    installs = [
        one.value for one in of(name, "RUN") if re.search(r"/locks/\w+\.txt$|/locks/\w+\.txt;", one.value)
    ]
    unhashed = [value for value in installs if "--require-hashes" not in value]
    assert len(installs) == 2
    assert bool(unhashed) == any("hashes" in warning for warning in everything()[name].plan.warnings)


def test_code_server_has_a_checksum_or_a_warning(name: str) -> None:
    plan = everything()[name].plan
    if plan.tools.code_server is None:
        return
    words = dict(
        line.partition("=")[::2] for line in file_of(name, "code-server/plan.sh").decode().splitlines()
    )
    checked = re.fullmatch(r"[0-9a-f]{64}", words["SHA256"]) or words["INTEGRITY"].startswith("sha512-")
    assert bool(checked) == (words["SOURCE"] != "script")
    assert bool(checked) != any("install script" in warning for warning in plan.warnings)


def test_labels_come_last(name: str) -> None:
    assert [one.name for one in instructions(texts()[name])][-2:] == ["CMD", "LABEL"]
    assert len(of(name, "LABEL")) == 1


def test_no_path_has_an_empty_element(name: str) -> None:
    for one in of(name, "ENV", "ARG"):
        for key, value in variables(one).items():
            assert key not in PATHS or all(value.split(":")), f"{key}={value}"


def test_a_finding_of_hadolint_is_ignored_only_with_a_reason(name: str) -> None:
    for one in instructions(texts()[name]):
        for above, comment in zip(("", *one.comments), one.comments, strict=False):
            if comment.startswith("# hadolint"):
                assert above and not above.startswith(("# hadolint", "# ----")), f"why {comment}?"


def test_every_file_that_is_named_is_in_the_context(name: str) -> None:
    files = {file.name for file in everything()[name].files}
    wanted = re.findall(r"type=bind,source=(\S+?),", texts()[name])
    for one in of(name, "COPY"):
        if "--from=" not in one.value:
            words = json.loads(one.value[one.value.index("[") :]) if "[" in one.value else one.value.split()
            wanted += [word for word in words[:-1] if word != "."]
    assert wanted
    for path in wanted:
        assert path in files or any(file.startswith(path.rstrip("/") + "/") for file in files), path


def test_nothing_is_mounted_for_the_classic_builder(name: str) -> None:
    assert ("--mount" in texts()[name]) == name.endswith("buildkit")


def test_every_step_of_the_spec_runs_once(name: str) -> None:
    for step in everything()[name].plan.steps:
        place = f"steps/{step.number:02}/"
        using = [one for one in of(name, "RUN", "COPY") if re.search(rf"{place}run$|\"{place}", one.value)]
        assert len(using) == 1
