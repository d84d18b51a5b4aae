"""Packages are written into a spec's text, and all else stays as it was."""

from __future__ import annotations

import pytest

from envkit.spec.edit import PackageEdit, with_packages

SPEC = """\
# Mine.
name: lab   # short
base: "debian:12"

apt: [git, less]  # tools
pip:
  # why numpy: everybody needs it
  - numpy>=2   # not 1
  - 'pandas[parquet]>=2; python_version >= "3.9"'
ide:
    jupyterlab: {version: "4.6.6"}
"""


def pip(name: str, entry: str | None) -> PackageEdit:
    return PackageEdit(key="pip", name=name, entry=entry)


def test_what_is_not_changed_keeps_every_byte() -> None:
    assert with_packages(SPEC, ()) == (SPEC, ())


def test_a_package_is_added_and_comments_stay() -> None:
    edits = (PackageEdit(key="apt", name="tree", entry="tree"), pip("attrs", "attrs==24.1"))
    written, left = with_packages(SPEC, edits)
    assert "apt: [git, less, tree] # tools" in written.replace("  # tools", " # tools")
    assert "  - attrs==24.1\n" in written
    for comment in ("# Mine.", "# short", "# why numpy: everybody needs it", "# not 1"):
        assert comment in written
    assert left == ()


def test_a_version_is_pinned_where_the_package_stands_with_its_extras_and_marker() -> None:
    written, _ = with_packages(SPEC, (pip("numpy", "numpy==2.2"), pip("pandas", "pandas==2.3")))
    assert "- numpy==2.2 # not 1" in written
    assert 'pandas[parquet]==2.3; python_version >= "3.9"' in written


def test_a_package_is_taken_out_or_told_of() -> None:
    written, left = with_packages(SPEC, (pip("numpy", None), pip("scipy", None)))
    assert "numpy>=2" not in written
    assert left == (pip("scipy", None),)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("name: x\n", "name: x\npip: [attrs==1]\n"),
        ("name: x\npip: numpy\n", "name: x\npip: [numpy, attrs==1]\n"),
        (
            "name: x\npip: {requirements: [r.txt]}\n",
            "name: x\npip: {requirements: [r.txt], packages: [attrs==1]}\n",
        ),
        ("name: x\npip: {packages: [numpy]}\n", "name: x\npip: {packages: [numpy, attrs==1]}\n"),
        ("name: x\npip:\n- numpy\n", "name: x\npip:\n- numpy\n- attrs==1\n"),
        ("name: x\npip: []\n", "name: x\npip:\n  - attrs==1\n"),
        ("name: x\npip:\n", "name: x\npip: [attrs==1]\n"),
    ],
)
def test_every_form_of_the_list_is_understood(before: str, after: str) -> None:
    assert with_packages(before, (pip("attrs", "attrs==1"),))[0] == after


def test_a_list_whose_only_package_is_replaced_keeps_its_comment() -> None:
    edits = (
        PackageEdit(key="apt", name="tree", entry=None),
        PackageEdit(key="apt", name="zip", entry="zip=3"),
    )
    assert with_packages("name: x\napt: [tree]  # tools\n", edits)[0] == "name: x\napt: [zip=3] # tools\n"


def test_twice_is_once() -> None:
    once, _ = with_packages(SPEC, (pip("attrs", "attrs==1"),))
    assert with_packages(once, (pip("attrs", "attrs==1"),))[0] == once
