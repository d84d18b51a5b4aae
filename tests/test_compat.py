"""The compatibility data: each row has its source, and the tables agree with each other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from envkit import compat, paths

DATED = ("cann", "cuda", "torch", "torch_npu", "wheels")
TORCH, CUDA, NPU, CANN, WHEELS = (
    compat.table(name) for name in ("torch", "cuda", "torch_npu", "cann", "wheels")
)
DISTRIBUTIONS = compat.table("distributions")["rows"]


def rows(table: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every row of a table with its place in it."""
    for section, found in table.items():
        if isinstance(found, dict):
            yield from ((f"{section}.{key}", row) for key, row in found.items())
        elif isinstance(found, list):
            yield from ((f"{section}[{number}]", row) for number, row in enumerate(found))


def minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


@pytest.mark.parametrize("name", DATED)
def test_a_file_has_a_date_and_each_row_its_source(name: str) -> None:
    table = compat.table(name)
    assert re.fullmatch(r"2026-\d\d-\d\d", table["read"]) and table["about"]
    assert [place for place, row in rows(table) if not row.get("source")] == []
    assert len(list(rows(table))) > 10


@pytest.mark.parametrize("name", DATED)
def test_a_row_stands_in_a_line_of_its_own(name: str) -> None:
    text = (paths.compat() / f"{name}.json").read_text("utf-8")
    lines = [line.strip().rstrip(",") for line in text.splitlines()]
    for _, row in rows(compat.table(name)):
        assert any(line.endswith(json.dumps(row)) for line in lines)


def test_each_torch_npu_is_on_the_index_and_made_for_a_torch_that_is() -> None:
    for row in NPU["rows"]:
        assert row["torch_npu"] in WHEELS["torch-npu"], row
        assert row["torch"] in WHEELS["torch"] and minor(row["torch"]) in TORCH["rows"], row
        assert row["torch_npu"].partition(".post")[0] == row["torch"], row
        assert row["cann"] in CANN["versions"], row


@pytest.mark.parametrize("version", WHEELS["torch-npu"])
def test_a_wheel_of_torch_npu_asks_for_the_torch_that_it_is_named_for(version: str) -> None:
    row = WHEELS["torch-npu"][version]
    base = version.partition(".post")[0]
    pinned = {f"torch=={base}", f"torch=={base}+cpu", f"torch=={base}.*", ""}
    assert set(row["requires"]) == {"amd64", "arm64"} and set(row["requires"].values()) <= pinned
    assert minor(base) in NPU["python"]


def test_a_later_release_for_one_torch_is_made_for_a_later_cann() -> None:
    for torch in {row["torch"] for row in NPU["rows"]}:
        posts = [row for row in NPU["rows"] if row["torch"] == torch]
        order = sorted(posts, key=lambda row: int(row["torch_npu"].partition(".post")[2] or 0), reverse=True)
        assert [row["torch_npu"] for row in posts] == [row["torch_npu"] for row in order]
        canns = list(CANN["versions"])  # the newest first
        assert [canns.index(row["cann"]) for row in posts] == sorted(
            canns.index(row["cann"]) for row in posts
        )


def test_what_a_release_line_bears_begins_with_what_it_is_made_for() -> None:
    for row in NPU["rows"]:
        line = NPU["lines"].get(row["line"]) or NPU["lines"].get(minor(row["line"]))
        if line:
            assert row["cann"] in line["cann"] or minor(row["cann"]) in line["cann"], row


def test_each_torch_has_lines_of_cuda_that_are_known() -> None:
    for version, row in TORCH["rows"].items():
        assert set(row["cuda"]) <= set(CUDA["lines"]), version
        exact = [name for name in WHEELS["torch"] if minor(name) == version]
        assert exact, version
        for python in row["python"]:
            assert all(python in WHEELS["torch"][name]["python"] for name in exact), (version, python)


def test_a_line_of_cuda_has_its_floor_and_needs_no_less_than_it() -> None:
    for line, row in CUDA["lines"].items():
        floor = CUDA["floors"][line.partition(".")[0]]["driver"]
        assert [int(part) for part in floor.split(".")] <= [int(part) for part in row["driver"].split(".")]


def test_architectures_are_of_lines_that_their_torches_have() -> None:
    named = set(CUDA["chips"])
    for row in CUDA["architectures"]:
        first, last = (int(bound.partition(".")[2]) for bound in row["torch"])
        having = [
            f"2.{number}"
            for number in range(first, last + 1)
            if row["cuda"] in TORCH["rows"][f"2.{number}"]["cuda"]
        ]
        assert having, row
        assert set(row["chips"]) & named, row
    assert {row["cuda"] for row in CUDA["architectures"]} == {
        line for row in TORCH["rows"].values() for line in row["cuda"]
    }


def test_images_are_named_after_what_is_in_them() -> None:
    for row in CUDA["images"]:
        assert row["image"].endswith("-base-" + row["os"].replace(":", ""))
        assert f":{row['cuda']}." in row["image"] and row["os"] in DISTRIBUTIONS
    for row in CANN["images"]:
        tag = f"{row['cann']}-{row['chip']}-{row['os'].replace(':', '')}-py{row['python']}"
        assert row["image"].rpartition(":")[2] == tag
        assert row["cann"] in CANN["versions"] and row["chip"] in CANN["chips"]
    for images in (CUDA["images"], CANN["images"]):
        assert len({row["image"] for row in images}) == len(images)


def test_a_card_has_one_chip() -> None:
    for chips in (CUDA["chips"], CANN["chips"]):
        words = [word for chip, row in chips.items() for word in (chip, *row["cards"])]
        assert len(words) == len(set(words))
