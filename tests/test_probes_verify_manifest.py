"""What the probe of the manifest reads."""

from __future__ import annotations

from envkit.probes.verify_manifest import rpm


def test_rpm_s_packages_are_listed_by_name_without_keys_that_were_taken_in() -> None:
    said = (
        "less\t643-1.oe2403\nkernel\t6.6.0-2\ngpg-pubkey\tb25e7f66-57e0a0e3\nkernel\t6.6.0-1\nvim\t2:9.0-1\n"
    )
    assert rpm(said) == {"kernel": "6.6.0-1, 6.6.0-2", "less": "643-1.oe2403", "vim": "2:9.0-1"}
    assert rpm("") == {}
