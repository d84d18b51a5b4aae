"""What `envkit images` prints below an image."""

from __future__ import annotations

from envkit.cli.images import _below
from envkit.save.stock import Stocked

STOCKED = Stocked(
    id="sha256:1",
    names=("lab:dev", "lab:kept"),
    size_bytes=1,
    created="2026-11-27T08:52:26Z",
    verdict="passed",
    lineage=(
        "commit of environment lab on cpu:dev, 2026-11-27T08:52:26Z: 443 files, 8.5 MB, and twelve packages",
    ),
    used_by=("environment lab", "container x"),
)


def test_other_names_users_and_origin_stand_below_within_eighty_columns() -> None:
    assert _below(STOCKED).splitlines() == [
        "  also lab:kept",
        "  in use by environment lab, container x",
        "  commit of environment lab on cpu:dev, 2026-11-27T08:52:26Z: 443 files, 8.5 MB,",
        "  and twelve packages",
    ]
