"""From an index's files to rows: what counts, and what a platform's name asks of glibc."""

from __future__ import annotations

from tests.compat.wheels import rows

FILES = [
    ("torch-2.9.0-cp310-cp310-manylinux_2_28_x86_64.whl", "2026-01-02T03:04:05Z"),
    ("torch-2.9.0-cp39-cp39-manylinux_2_28_aarch64.whl", "2026-01-03T03:04:05Z"),
    ("torch-2.9.0-cp313-cp313t-manylinux_2_28_x86_64.whl", "2026-01-02T03:04:05Z"),
    ("torch-2.9.0-cp312-cp312-win_amd64.whl", "2026-01-02T03:04:05Z"),
    ("torch-2.5.0-cp310-cp310-manylinux1_x86_64.whl", ""),
    ("torch-2.5.0-cp310-cp310-manylinux_2_17_aarch64.manylinux2014_aarch64.whl", ""),
    ("torch-2.10.0rc1-cp310-cp310-manylinux_2_28_x86_64.whl", ""),
    ("torch-2.0.0-cp310-cp310-manylinux1_x86_64.whl", ""),
    ("torch-2.8.0-cp310-cp310-win_amd64.whl", ""),
    ("torch-2.7.0.tar.gz", ""),
]


def test_final_linux_wheels_become_rows_the_newest_first() -> None:
    files = [{"filename": name, "upload-time": time, "yanked": False} for name, time in FILES]
    assert rows(files, "2.1") == {
        "2.9.0": {
            "python": ["3.9", "3.10"],
            "glibc": {"amd64": "2.28", "arm64": "2.28"},
            "uploaded": "2026-01-03",
        },
        "2.5.0": {"python": ["3.10"], "glibc": {"amd64": "2.5", "arm64": "2.17"}, "uploaded": ""},
    }


def test_what_was_withdrawn_is_no_row() -> None:
    name = "torch-2.9.0-cp310-cp310-manylinux_2_28_x86_64.whl"
    assert rows([{"filename": name, "yanked": "broken"}], "2.1") == {}
